//! A replica whose messages vanish without a word, in both directions.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::promise;
use crate::{
    Failure,
    engine::{Engine, EngineKind},
    finding::Course,
    island::{Island, engine_address},
    stage::Stage,
    viewer::Viewer,
};

pub(crate) async fn partition(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let mut engine = Engine::everywhere(kind)?;
    engine.start()?;
    let url = engine.url_at(&engine_address(kind));
    let mut fleet = stage.fleet_on(engine, &["a", "b"]).await?;
    let (island, mut far) = Island::start(kind, &stage.orders(&url, "c")).await?;
    far.begin_resting(3).await?;
    fleet.viewers.push(Viewer::open(&far.client).await?);
    fleet.replicas.push(far);
    fleet.equal().await?;

    let start = Instant::now();
    island.cut()?;
    let asked = &fleet.replicas[2].exchanges[0].id;
    match fleet.replicas[0].client.cancel(asked).await? {
        (StatusCode::GATEWAY_TIMEOUT, answer) if answer["error"]["type"] == "fleet_timeout" => {}
        (status, answer) => return Err(format!("a cancellation that cannot arrive: {status} {answer}").into()),
    }
    let lost = fleet.viewers[2].until("that the fleet is lost", |seen| seen.is_lost()).await?;
    course.took("cut off: lost, at the replica that is", lost - start, Some(promise::STALE));
    for (at, others) in [(0, &["c"][..]), (1, &["c"]), (2, &["a", "b"])] {
        for other in others {
            let gone = |seen: &crate::viewer::Seen| seen.state(other).is_none() && seen.rows.of(other) == 0;
            fleet.viewers[at].until("that the other side is gone", gone).await?;
        }
    }
    course.took("cut off: each side shows itself only", start.elapsed(), Some(promise::GONE));
    fleet.viewers[0].until("that a replica that is not cut off hears the others", |seen| !seen.is_lost()).await?;
    for replica in &mut fleet.replicas {
        replica.begin_resting(1).await?;
    }
    let long = Duration::from_secs(20).saturating_sub(start.elapsed());
    sleep(long).await;
    for (viewer, own) in fleet.viewers.iter().zip([&["a", "b"][..], &["a", "b"], &["c"]]) {
        for replica in fleet.replicas.iter().filter(|replica| own.contains(&&*replica.name)) {
            let rows = replica.own_rows().await?.len();
            if viewer.look(|seen| seen.rows.of(&replica.name)) != rows {
                return Err(format!("rows of {} are not shown on its own side", replica.name).into());
            }
        }
    }
    island.heal()?;
    let start = Instant::now();
    let equal = fleet.equal().await?;
    course.took("cut off for 20 s: equal on both sides, after it", equal - start, Some(promise::EQUAL));
    fleet.never_wrong().await
}
