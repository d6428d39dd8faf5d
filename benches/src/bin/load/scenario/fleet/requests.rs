//! Requests to a replica that is watched from elsewhere, beside one that nobody watches.

use super::{Engine, proxy, viewer::FleetViewer};
use crate::{
    Failure,
    client::{self, Ask, Link},
    plan::{Api, Plan},
    process::Server,
    results::{Rounds, micros},
    scenario::Asked,
    targets::Target,
};
use std::{fs, sync::Arc, time::Duration};

/// Connections, and requests of a turn.
const LOAD: (usize, usize) = (32, 4000);

/// The proxy's own thread for the fleet.
const FLEET_THREAD: &str = "fleet";

/// Processor time of the thread of the fleet, and of all others, which serve.
#[derive(Clone, Copy)]
struct ThreadTimes {
    serving: Duration,
    fleet: Duration,
}

impl ThreadTimes {
    fn of(server: &Server) -> Result<Self, Failure> {
        let mut times = Self { serving: Duration::ZERO, fleet: Duration::ZERO };
        for task in fs::read_dir(format!("/proc/{}/task", server.pid))? {
            let path = task?.path();
            // A thread may end meanwhile.
            let (Ok(name), Ok(text)) =
                (fs::read_to_string(path.join("comm")), fs::read_to_string(path.join("schedstat")))
            else {
                continue;
            };
            let spent = Duration::from_nanos(text.split(' ').next().unwrap_or_default().parse()?);
            match name.trim() == FLEET_THREAD {
                true => times.fleet += spent,
                false => times.serving += spent,
            }
        }
        Ok(times)
    }
}

pub async fn watched(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    for engine in Engine::ALL {
        let Some((_engine, url)) = engine.start().await? else { continue };
        let target = |server: Arc<Server>, name| Target { name, prefix: "/mock", link: Link::Http1, server };
        let watched = target(proxy(asked, &url, "watched", 20_000).await?, "proxy");
        let alone = target(proxy(asked, &url, "alone", 20_000).await?, "unwatched");
        let watcher = proxy(asked, &url, "watched", 20_000).await?;
        let _viewer = FleetViewer::open(watcher.port).await?;
        for round in 0..=asked.rounds {
            let mut serving = [0.0; 2];
            // Who comes first changes from round to round.
            let mut turns = [(0, &alone), (1, &watched)];
            turns.rotate_left(round % 2);
            for (at, target) in turns {
                let ask = Ask::new(target, Api::OpenAi, Plan::new(20, 0), false);
                let before = ThreadTimes::of(&target.server)?;
                let (connections, requests) = LOAD;
                client::run(target, &ask, connections, requests).await?;
                let after = ThreadTimes::of(&target.server)?;
                let each = |spent: Duration| micros(spent) / requests as f64;
                serving[at] = each(after.serving - before.serving);
                // The first round is for warming up.
                if round > 0 {
                    let what = |thread: &str| format!("fleet over {}: CPU per request, {thread}, us", engine.name());
                    rounds.add(&what("threads that serve"), "", target, serving[at]);
                    rounds.add(&what("thread of the fleet"), "", target, each(after.fleet - before.fleet));
                }
            }
            if round > 0 {
                let what = format!("fleet over {}: CPU to serve a request, watched / unwatched", engine.name());
                rounds.add(&what, "<= 1.05 times", &watched, serving[1] / serving[0]);
            }
        }
    }
    Ok(rounds)
}
