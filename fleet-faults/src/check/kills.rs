//! Many replicas under load, to which everything happens at random, compared row by row whenever they are at rest.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::try_join_all;
use http::StatusCode;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::{
    Failure,
    engine::{Engine, EngineKind},
    finding::Course,
    process::PATIENCE,
    replica::Replica,
    rows::Rows,
    stage::Stage,
    viewer::Viewer,
};

/// The time from one rest to the next.
const ROUND: Duration = Duration::from_secs(12);
/// The time from one blow to a replica or the engine to the next.
const STRIKES: Duration = Duration::from_secs(1);
/// Requests in flight at one replica, at most.
const MOST: usize = 60;
/// The courses of requests: most come to rest, the others end by themselves.
const SCRIPTS: [&str; 6] =
    ["demo-c1000-d2-s9", "demo-c1000-d20-s30", "demo-c1000-d1-s1", "demo-c40-d20", "demo-c3-d0", "demo-c20-d10-x9"];

/// The fleet under load, and what has been done to it.
struct Turmoil<'a> {
    stage: &'a Stage,
    url: String,
    engine: Engine,
    replicas: Vec<Replica>,
    viewers: Vec<Viewer>,
    random: SmallRng,
    /// Requests that were cancelled, or may have been.
    cancelled: BTreeSet<String>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    requests: usize,
    left: usize,
    cancelled: usize,
    kills: usize,
    ends: usize,
    pauses: usize,
    restarts: usize,
    rests: usize,
    rows: usize,
}

pub(crate) async fn at_random(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    eprintln!("kills on {}: seed {}", kind.name(), stage.seed);
    course.note(format!("seed {}", stage.seed));
    let mut engine = Engine::new(kind)?;
    engine.start()?;
    let url = engine.url();
    let names: Vec<String> = (0..stage.replicas.max(2)).map(|number| format!("r{number}")).collect();
    let orders: Vec<_> = names.iter().map(|name| stage.orders(&url, name)).collect();
    let replicas = try_join_all(orders.iter().map(Replica::start)).await?;
    let random = SmallRng::seed_from_u64(stage.seed);
    let mut turmoil = Turmoil {
        stage,
        url: url.clone(),
        engine,
        replicas,
        viewers: Vec::new(),
        random,
        cancelled: BTreeSet::new(),
        counts: Counts::default(),
    };
    let end = Instant::now() + stage.time;
    let mut longest = Duration::ZERO;
    loop {
        let round = end.min(Instant::now() + ROUND);
        while Instant::now() < round {
            turmoil.strike().await?;
            let next = round.min(Instant::now() + STRIKES);
            while Instant::now() < next {
                turmoil.act().await?;
            }
        }
        longest = longest.max(turmoil.rest().await?);
        if Instant::now() >= end {
            break;
        }
    }
    course.note(format!("{} replicas: {:?}", turmoil.replicas.len(), turmoil.counts));
    course.took("at rest: all equal, the slowest time", longest, Some(super::promise::GONE + super::promise::EQUAL));
    Ok(())
}

impl Turmoil<'_> {
    fn any(&mut self) -> usize {
        self.random.random_range(0..self.replicas.len())
    }

    /// Does something to somebody's requests.
    async fn act(&mut self) -> Result<(), Failure> {
        let at = self.any();
        match self.random.random_range(0..10) {
            0..6 => self.begin(at).await,
            6..8 => self.leave(at),
            _ => self.cancel(at).await,
        }
    }

    /// Does something to a replica, to its viewers or to the engine.
    async fn strike(&mut self) -> Result<(), Failure> {
        let at = self.any();
        match self.random.random_range(0..12) {
            0..4 => self.replace(at, Signal::KILL).await,
            4..6 => self.replace(at, Signal::TERM).await,
            6..8 => self.pause(at).await,
            8..9 => self.restart_engine().await,
            _ => self.watch(at).await,
        }
    }

    async fn begin(&mut self, at: usize) -> Result<(), Failure> {
        let room = MOST.saturating_sub(self.replicas[at].exchanges.len()).min(8);
        let scripts: Vec<&str> = (0..room).map(|_| SCRIPTS[self.random.random_range(0..SCRIPTS.len())]).collect();
        let client = &self.replicas[at].client;
        let begun = try_join_all(scripts.iter().map(|script| client.begin(script))).await?;
        self.counts.requests += begun.len();
        self.replicas[at].exchanges.extend(begun);
        // Those that have ended by themselves need no client.
        self.replicas[at].exchanges.retain(|exchange| !exchange.is_over());
        Ok(())
    }

    /// A client leaves.
    fn leave(&mut self, at: usize) -> Result<(), Failure> {
        let exchanges = &mut self.replicas[at].exchanges;
        if !exchanges.is_empty() {
            exchanges.swap_remove(self.random.random_range(0..exchanges.len()));
            self.counts.left += 1;
        }
        Ok(())
    }

    /// Cancels a request of any replica at any replica.
    async fn cancel(&mut self, at: usize) -> Result<(), Failure> {
        let of = self.any();
        let exchanges = &self.replicas[of].exchanges;
        if exchanges.is_empty() {
            return Ok(());
        }
        let id = exchanges[self.random.random_range(0..exchanges.len())].id.clone();
        let (status, answer) = self.replicas[at].client.cancel(&id).await?;
        match status {
            StatusCode::ACCEPTED => self.counts.cancelled += 1,
            // It has ended by itself; nobody was reached; it may still be ended.
            StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {}
            _ => return Err(format!("a cancellation was answered with {status} {answer}").into()),
        }
        self.cancelled.insert(id);
        Ok(())
    }

    /// Ends a replica, and starts another of its name.
    async fn replace(&mut self, at: usize, signal: Signal) -> Result<(), Failure> {
        if signal == Signal::KILL {
            self.counts.kills += 1;
            self.replicas[at].kill().await?;
        } else {
            self.counts.ends += 1;
            self.replicas[at].exchanges.clear();
            self.replicas[at].process.signal(signal)?;
            self.replicas[at].process.ended().await?;
        }
        let name = self.replicas[at].name.clone();
        self.replicas[at] = Replica::start(&self.stage.orders(&self.url, &name)).await?;
        Ok(())
    }

    /// Pauses a replica, for long enough to be stale now and then.
    async fn pause(&mut self, at: usize) -> Result<(), Failure> {
        self.counts.pauses += 1;
        self.replicas[at].pause()?;
        let time = Duration::from_millis(self.random.random_range(50..1500));
        sleep(time).await;
        self.replicas[at].go_on()
    }

    async fn restart_engine(&mut self) -> Result<(), Failure> {
        self.counts.restarts += 1;
        self.engine.kill().await?;
        self.engine.start()
    }

    /// A viewer comes; the oldest goes.
    async fn watch(&mut self, at: usize) -> Result<(), Failure> {
        self.viewers.push(Viewer::open(&self.replicas[at].client).await?);
        if self.viewers.len() > 3 {
            self.viewers.remove(0);
        }
        Ok(())
    }

    /// Waits until every replica shows, row by row, what each replica's own list has. Returns how long that took, from when those lists, and so the
    /// requests, had come to rest.
    async fn rest(&mut self) -> Result<Duration, Failure> {
        self.viewers.clear();
        let (mut lists, mut since) = (self.own_lists().await?, Instant::now());
        let end = since + PATIENCE;
        loop {
            let difference = self.difference(&lists).await?;
            let at = Instant::now();
            let newest = self.own_lists().await?;
            if newest != lists {
                (lists, since) = (newest, at);
            } else if let Some(difference) = difference {
                if at > end {
                    return Err(difference.into());
                }
            } else {
                self.never_wrong().await?;
                self.counts.rests += 1;
                self.counts.rows += lists.iter().map(Rows::len).sum::<usize>() * self.replicas.len();
                return Ok(at - since);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn own_lists(&self) -> Result<Vec<Rows>, Failure> {
        try_join_all(self.replicas.iter().map(Replica::own_rows)).await
    }

    /// Tells where what is shown, or what the clients know, is not what the replicas' own `lists` have.
    async fn difference(&self, lists: &[Rows]) -> Result<Option<String>, Failure> {
        let mut all = Rows::default();
        lists.iter().for_each(|rows| all.append(rows.clone()));
        let shown = try_join_all(self.replicas.iter().map(Replica::shown_rows)).await?;
        if let Some((replica, shown)) = self.replicas.iter().zip(&shown).find(|(_, shown)| **shown != all) {
            let list = replica.client.get("/fleet").await?;
            return Ok(Some(format!("at {}: {}; {list}", replica.name, all.difference(shown))));
        }
        for (replica, rows) in self.replicas.iter().zip(lists) {
            for exchange in &replica.exchanges {
                let id = &exchange.id;
                match (exchange.is_over(), rows.has(id)) {
                    (true, true) => return Ok(Some(format!("{id} has ended at {} and is on its list", replica.name))),
                    (false, false) if !self.cancelled.contains(id) => {
                        return Ok(Some(format!("{id} is in flight at {} and not on its list", replica.name)));
                    }
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    /// No table was ever found not to be what its replica said, and each message could be read.
    async fn never_wrong(&self) -> Result<(), Failure> {
        for replica in &self.replicas {
            let counts = replica.counts().await?;
            if counts["mismatches"] != 0 || counts["unreadable"] != 0 {
                return Err(format!("{}: {counts}", replica.name).into());
            }
        }
        Ok(())
    }
}
