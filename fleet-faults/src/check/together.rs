//! Three replicas to which nothing happens but what operators do.

use std::collections::BTreeSet;

use http::StatusCode;
use rustix::process::Signal;
use tokio::time::Instant;

use super::promise;
use crate::{
    Failure,
    engine::{Engine, EngineKind},
    finding::Course,
    rows::list,
    stage::{Fleet, Stage},
    viewer::Viewer,
};

pub(crate) async fn all_are_shown(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let mut engine = Engine::new(kind)?;
    engine.start()?;
    let mut fleet = stage.fleet_on(engine, &["a", "b", "c"]).await?;
    let joined = Instant::now();
    fleet.viewers.push(Viewer::open(&fleet.replicas[2].client).await?);
    let equal = fleet.equal().await?;
    course.took("each of three shows all rows, after it was opened", equal - joined, Some(promise::EQUAL));
    let all = fleet.all_rows().await?;
    for replica in &fleet.replicas {
        let shown = replica.shown_rows().await?;
        if shown != all {
            return Err(format!("a snapshot at {}: {}", replica.name, all.difference(&shown)).into());
        }
    }
    tokens_move(&mut fleet, course).await?;
    cancels_across(&mut fleet, course).await?;
    fleet.never_wrong().await?;
    ends_in_order(&mut fleet, course).await
}

/// A stream at one replica is seen to count at another.
async fn tokens_move(fleet: &mut Fleet, course: &mut Course) -> Result<(), Failure> {
    let start = Instant::now();
    let moving = fleet.replicas[2].client.begin("demo-c100000-d10").await?;
    let id = &moving.id;
    let viewer = &mut fleet.viewers[0];
    let shown = viewer.until("a request that has started", |seen| seen.rows.has(id)).await?;
    course.took("a request is shown elsewhere, after its start", shown - start, Some(promise::SHOWN));
    let mut counts = BTreeSet::new();
    let first = Instant::now();
    while counts.len() < 6 {
        let last = counts.last().copied();
        viewer.until("tokens that move", |seen| seen.rows.output_tokens(id) > last).await?;
        counts.extend(viewer.look(|seen| seen.rows.output_tokens(id)));
    }
    course.took("tokens of a stream elsewhere have moved, for each time", first.elapsed() / 5, Some(promise::SHOWN));
    drop(moving);
    fleet.equal().await?;
    Ok(())
}

/// A request is cancelled at a replica that does not have it, once.
async fn cancels_across(fleet: &mut Fleet, course: &mut Course) -> Result<(), Failure> {
    let mut exchange = fleet.replicas[2].exchanges.pop().ok_or("there is no request")?;
    let id = exchange.id.clone();
    let others = fleet.replicas[2].exchanges.len();
    let start = Instant::now();
    let mut answer = fleet.replicas[0].client.cancel(&id).await?;
    while answer.0 == StatusCode::GATEWAY_TIMEOUT {
        answer = fleet.replicas[0].client.cancel(&id).await?;
    }
    let (status, row) = answer;
    if status != StatusCode::ACCEPTED || row["request_id"] != *id || row["replica"] != "c" {
        return Err(format!("a cancellation across was answered with {status} {row}").into());
    }
    course.took("a cancellation across is answered", start.elapsed(), Some(promise::AT_ONCE));
    exchange.ended().await?;
    course.took("its client's answer has ended", start.elapsed(), Some(promise::AT_ONCE));
    for viewer in &mut fleet.viewers {
        viewer.until("a cancelled request's end", |seen| !seen.rows.has(&id)).await?;
    }
    course.took("its row is gone from each view", start.elapsed(), Some(promise::SHOWN));
    let logs = fleet.replicas[2].client.get("/logs").await?;
    let killed = list(&logs, "traces").iter().filter(|trace| trace["outcome"] == "killed").count();
    if killed != 1 || fleet.replicas[2].own_rows().await?.len() != others {
        return Err(format!("one request was cancelled, and {killed} were killed").into());
    }
    match fleet.replicas[0].client.cancel(&id).await? {
        (StatusCode::NOT_FOUND, _) => Ok(()),
        (status, answer) => Err(format!("a second cancellation was answered with {status} {answer}").into()),
    }
}

/// A replica that is told to end is gone at once.
async fn ends_in_order(fleet: &mut Fleet, course: &mut Course) -> Result<(), Failure> {
    let mut last = fleet.replicas.pop().ok_or("there is no replica")?;
    fleet.viewers.pop();
    last.process.signal(Signal::TERM)?;
    let viewer = &mut fleet.viewers[0];
    let gone = async { viewer.until("that a replica has ended", |seen| seen.state("c").is_none()).await };
    let ended = async {
        last.process.ended().await?;
        Ok::<_, Failure>(Instant::now())
    };
    let (gone, ended) = tokio::try_join!(gone, ended)?;
    course.took(
        "a replica that ends is gone, after its process",
        gone.saturating_duration_since(ended),
        Some(promise::AT_ONCE),
    );
    if viewer.look(|seen| seen.rows.of("c")) > 0 {
        return Err("rows of a replica that has ended are shown".into());
    }
    fleet.equal().await?;
    Ok(())
}
