//! A replica that dies, or that stops for a while.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::promise;
use crate::{Failure, engine::EngineKind, finding::Course, replica::Replica, stage::Stage, viewer::Seen};

pub(crate) async fn killed(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let mut fleet = stage.fleet(kind).await?;
    let mut dead = fleet.replicas.pop().ok_or("there is no replica")?;
    let rows = fleet.viewers[0].look(|seen| seen.rows.of("c"));
    let start = Instant::now();
    dead.kill().await?;
    let viewer = &mut fleet.viewers[0];
    let with_its_rows = |seen: &Seen| seen.state("c") == Some("stale") && seen.rows.of("c") == rows;
    let stale = viewer.until("a stale replica with its rows", with_its_rows).await?;
    course.took("kill -9: stale", stale - start, Some(promise::STALE));
    let gone = viewer.until("that a replica is gone", |seen| seen.state("c").is_none()).await?;
    course.took("kill -9: gone with its rows", gone - start, Some(promise::GONE));
    fleet.equal().await?;

    let mut again = Replica::start(&stage.orders(&fleet.url, "c")).await?;
    let start = Instant::now();
    again.begin_resting(3).await?;
    fleet.replicas.push(again);
    let equal = fleet.equal().await?;
    course.took("started again: all rows are shown", equal - start, Some(promise::EQUAL));
    fleet.never_wrong().await
}

pub(crate) async fn paused(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let mut fleet = stage.fleet(kind).await?;
    let (rows, epoch) = (fleet.viewers[0].look(|seen| seen.rows.of("c")), fleet.replicas[2].epoch.clone());
    fleet.replicas[2].pause()?;
    let all_there = "the rows of a replica that was paused for 4 s";
    fleet.viewers[0].stays(all_there, Duration::from_secs(4), |seen| seen.rows.of("c") == rows).await?;
    fleet.replicas[2].go_on()?;
    let start = Instant::now();
    let equal = fleet.equal().await?;
    course.took("paused for 4 s: equal, after it goes on", equal - start, Some(promise::EQUAL));
    if fleet.viewers[0].look(|seen| seen.gone.contains(&epoch)) {
        return Err("a replica that was paused for 4 s was given up".into());
    }

    let start = Instant::now();
    fleet.replicas[2].pause()?;
    let gone = fleet.viewers[0].until("that a replica is gone", |seen| seen.state("c").is_none()).await?;
    course.took("paused for long: gone with its rows", gone - start, Some(promise::GONE));
    if fleet.viewers[0].look(|seen| seen.rows.of("c")) > 0 {
        return Err("rows of a replica that is gone are shown".into());
    }
    fleet.replicas[0].begin_resting(1).await?;
    sleep(Duration::from_secs(2)).await;
    fleet.replicas[2].go_on()?;
    let start = Instant::now();
    let equal = fleet.equal().await?;
    course.took("paused for long: equal, after it goes on", equal - start, Some(promise::EQUAL));
    fleet.never_wrong().await
}
