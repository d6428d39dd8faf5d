//! Replicas in one process, each with its own tracker and its own connection to the engine; every row of theirs moves each second.

use crate::{
    Failure,
    process::{listen, until_parent_is_gone},
};
use active_requests::{
    RequestTracker,
    config::FleetConfig,
    fleet::Fleet,
    tracker::{ActiveRequest, BodyProgress, Outcome, RequestInfo},
    usage::Observation,
};
use http::{Method, StatusCode};
use std::{
    collections::VecDeque,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The time from one piece of work to the next; a tenth of the rows move in each.
const STEP: Duration = Duration::from_millis(100);
/// Steps that a row lives.
const LIFE: usize = 200;
/// Steps from one marked request to the next.
const MARK_EVERY: usize = 5;
/// The beginning of a marked request's path; the nanoseconds since the Unix epoch at its start follow.
pub(super) const MARK: &str = "/mark/";

const MODELS: [&str; 5] =
    ["openai:gpt-4o", "openai:gpt-4o-mini", "anthropic:claude-sonnet-4-5", "google:gemini-2.5-flash", "mistral:large"];

struct Replica {
    tracker: RequestTracker,
    _fleet: Fleet,
    /// The oldest first.
    rows: VecDeque<ActiveRequest>,
    started: usize,
}

/// The command line of many replicas.
#[derive(Clone, Debug, clap::Args)]
pub struct Replicas {
    /// The port on which it listens when all are there
    port: u16,
    /// The engine's address
    url: String,
    count: usize,
    /// The rows of each
    rows: usize,
}

impl Replicas {
    /// Runs them until the program that started this one has gone.
    pub async fn serve(self) -> Result<(), Failure> {
        let Self { port, url, count, rows } = self;
        let mut replicas = Vec::new();
        for number in 0..count {
            let tracker = RequestTracker::default();
            let config = FleetConfig::default().url(url.parse()?).replica(format!("replica-{number}"));
            let fleet = Fleet::connect(tracker.clone(), config).await?;
            let mut replica = Replica { tracker, _fleet: fleet, rows: VecDeque::new(), started: 0 };
            (0..rows).for_each(|_| replica.begin());
            replicas.push(replica);
        }
        let _ready = listen(port)?;
        let mut gone = std::pin::pin!(until_parent_is_gone());
        let mut steps = tokio::time::interval(STEP);
        let mut marked = None;
        for step in 0_usize.. {
            tokio::select! {
                _ = steps.tick() => {}
                () = &mut gone => break,
            }
            for replica in &mut replicas {
                replica.work(step, rows);
            }
            if step.is_multiple_of(MARK_EVERY) {
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
                let tracker = &replicas[step / MARK_EVERY % count].tracker;
                marked = tracker.start(&Method::POST, &format!("{MARK}{now}"), &RequestInfo::new().model(MODELS[0]));
            }
        }
        drop(marked);
        Ok(())
    }
}

impl Replica {
    fn begin(&mut self) {
        let info = RequestInfo::new().model(MODELS[self.started % MODELS.len()]);
        self.started += 1;
        let Some(mut request) = self.tracker.start(&Method::POST, "/v1/chat/completions", &info) else { return };
        request.head(StatusCode::OK, Some(true), Observation::Full);
        self.rows.push_back(request);
    }

    /// The oldest rows end, as many start, and a tenth of all moves.
    fn work(&mut self, step: usize, rows: usize) {
        let due = |step: usize| step * rows / LIFE;
        for _ in due(step)..due(step + 1) {
            if let Some(oldest) = self.rows.pop_front() {
                oldest.finish(Outcome::Completed);
            }
            self.begin();
        }
        for row in self.rows.iter_mut().skip(step % 10).step_by(10) {
            row.frame(BodyProgress { response_bytes: 1200, text_bytes: 240 });
        }
    }
}
