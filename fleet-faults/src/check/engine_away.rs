//! An engine that dies, stops for a while, or comes late. Requests never notice.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::promise;
use crate::{
    Failure,
    engine::{Engine, EngineKind},
    finding::Course,
    stage::{Fleet, Stage},
    traffic::Traffic,
};

/// The time from one short request to the next.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) async fn restarted(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let mut fleet = stage.fleet(kind).await?;
    let killed = Instant::now();
    fleet.engine.kill().await?;
    sleep(Duration::from_secs(1)).await;
    fleet.replicas[2].begin_resting(1).await?;
    fleet.engine.start()?;
    let start = Instant::now();
    let equal = fleet.equal().await?;
    course.took("killed for 1 s: equal, after its start", equal - start, Some(promise::EQUAL));
    let epochs: Vec<String> = fleet.replicas.iter().map(|replica| replica.epoch.clone()).collect();
    // On a machine that is too busy, it is away for longer.
    let is_short = killed.elapsed() < promise::GONE / 2;
    if is_short && fleet.viewers[0].look(|seen| epochs.iter().any(|epoch| seen.gone.contains(epoch))) {
        return Err("a replica was given up while the engine was away for 1 s".into());
    }

    let traffic = Traffic::start(&fleet.replicas[0].client, PAUSE);
    let start = Instant::now();
    fleet.engine.kill().await?;
    are_alone(&mut fleet, start, course, "killed").await?;
    fleet.replicas[1].begin_resting(1).await?;
    untroubled(traffic, course).await?;
    fleet.engine.start()?;
    let start = Instant::now();
    let equal = fleet.equal().await?;
    course.took("killed for long: equal, after its start", equal - start, Some(promise::EQUAL));
    found(&mut fleet).await?;
    fleet.never_wrong().await
}

pub(crate) async fn frozen(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let mut fleet = stage.fleet(kind).await?;
    let traffic = Traffic::start(&fleet.replicas[0].client, PAUSE);
    let start = Instant::now();
    fleet.engine.pause()?;
    are_alone(&mut fleet, start, course, "paused").await?;
    fleet.replicas[2].begin_resting(1).await?;
    untroubled(traffic, course).await?;
    fleet.engine.go_on()?;
    let start = Instant::now();
    let equal = fleet.equal().await?;
    course.took("paused: equal, after it goes on", equal - start, Some(promise::EQUAL));
    found(&mut fleet).await?;
    fleet.never_wrong().await
}

pub(crate) async fn late(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let engine = Engine::new(kind)?;
    let mut fleet = stage.fleet_on(engine, &["a", "b", "c"]).await?;
    let own = fleet.replicas[0].own_rows().await?;
    fleet.viewers[0].until("the own rows, without an engine", |seen| seen.rows == own).await?;
    fleet.viewers[0].until("that the fleet is lost", |seen| seen.is_lost()).await?;
    fleet.engine.start()?;
    let start = Instant::now();
    let equal = fleet.equal().await?;
    course.took("an engine that comes late: equal, after its start", equal - start, Some(promise::EQUAL));
    found(&mut fleet).await?;
    fleet.never_wrong().await
}

/// Waits until the viewers are shown that nobody is heard, and their own rows only.
async fn are_alone(fleet: &mut Fleet, start: Instant, course: &mut Course, how: &str) -> Result<(), Failure> {
    let viewer = &mut fleet.viewers[0];
    let lost = viewer.until("that the fleet is lost", |seen| seen.is_lost()).await?;
    course.took(&format!("{how}: lost"), lost - start, Some(promise::STALE));
    let gone =
        |name: &'static str| move |seen: &crate::viewer::Seen| seen.state(name).is_none() && seen.rows.of(name) == 0;
    for name in ["b", "c"] {
        viewer.until("that the others are gone", gone(name)).await?;
    }
    course.took(&format!("{how}: the others are gone"), start.elapsed(), Some(promise::GONE));
    for id in fleet.replicas[0].exchanges.iter().map(|exchange| &exchange.id) {
        if !fleet.viewers[0].look(|seen| seen.rows.has(id)) {
            return Err(format!("{id}, a row of the replica itself, is not shown while the engine is away").into());
        }
    }
    Ok(())
}

async fn found(fleet: &mut Fleet) -> Result<(), Failure> {
    for viewer in &mut fleet.viewers {
        viewer.until("that the fleet is found", |seen| !seen.is_lost()).await?;
    }
    Ok(())
}

/// Ends the traffic, of which no request may have failed.
async fn untroubled(traffic: Traffic, course: &mut Course) -> Result<(), Failure> {
    let took = traffic.stop().await?;
    let p99 = took[took.len() * 99 / 100];
    course.note(format!("{} requests meanwhile, none failed; p99 {:.1} ms", took.len(), p99.as_secs_f64() * 1000.0));
    Ok(())
}
