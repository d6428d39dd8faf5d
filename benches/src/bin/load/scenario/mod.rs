//! The scenarios, each a question and how it is answered.

mod bodies;
mod cancel;
mod exchange;
mod fleet;
mod gone;
mod held;
mod links;
mod peak;
mod threads;
mod watch;

pub use self::fleet::Replicas;

use crate::{
    Failure,
    results::Rounds,
    targets::{Kind, Stage, Target},
};

/// A question that can be asked for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// CPU per request, not streamed, with the log's lines and without
    Requests,
    /// CPU per request with a large body or a large answer
    Bodies,
    /// CPU per streamed chunk, 5 ms apart
    Paced,
    /// CPU per streamed chunk, as fast as they go
    Flood,
    /// Latency added at one connection
    Latency,
    /// Memory per held stream, of 1,000 and of 8,000, and what is left of it afterwards
    Held,
    /// The most memory with 100 large requests at a time
    Peak,
    /// CPU per request and chunk with clients over HTTP/2 and TLS, and an upstream over TLS
    Links,
    /// Requests and chunks per second on one thread and on two, and CPU for each
    Threads,
    /// From the start of a request to the event at a viewer, with 1, 50 and 1,000 viewers
    Viewers,
    /// Cost of 100 viewers of 10,000 live rows
    Rows,
    /// From a client's leaving until its row and its upstream request are gone
    Gone,
    /// Fleets of 10 and of 200 replicas with 1,000 moving rows each: what travels, what it costs whom, how soon it is seen
    Fleet,
    /// CPU per request at a replica that is watched from elsewhere, and at one that nobody watches
    Watched,
    /// From an operator's DELETE until the upstream request is gone, and what it costs that requests can be cancelled
    Cancel,
}

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Bodies => "bodies",
            Self::Paced => "paced",
            Self::Flood => "flood",
            Self::Latency => "latency",
            Self::Held => "held",
            Self::Peak => "peak",
            Self::Links => "links",
            Self::Threads => "threads",
            Self::Viewers => "viewers",
            Self::Rows => "rows",
            Self::Gone => "gone",
            Self::Fleet => "fleet",
            Self::Watched => "watched",
            Self::Cancel => "cancel",
        }
    }

    pub async fn run(self, rounds: usize, only: &[Kind]) -> Result<Rounds, Failure> {
        let stage = Stage::set().await?;
        let kinds = Kind::ALL.into_iter().filter(|kind| only.is_empty() || only.contains(kind));
        let kinds: Vec<Kind> = kinds.filter(|kind| kind.is_installed()).collect();
        let asked = Asked { stage, rounds, kinds };
        match self {
            Self::Requests => exchange::requests(&asked).await,
            Self::Bodies => bodies::bodies(&asked).await,
            Self::Paced => exchange::paced(&asked).await,
            Self::Flood => exchange::flood(&asked).await,
            Self::Latency => exchange::latency(&asked).await,
            Self::Held => held::held(&asked).await,
            Self::Peak => peak::peak(&asked).await,
            Self::Links => links::links(&asked).await,
            Self::Threads => threads::threads(&asked).await,
            Self::Viewers => watch::viewers(&asked).await,
            Self::Rows => watch::rows(&asked).await,
            Self::Gone => gone::gone(&asked).await,
            Self::Fleet => fleet::fleet(&asked).await,
            Self::Watched => fleet::watched(&asked).await,
            Self::Cancel => cancel::cancel(&asked).await,
        }
    }
}

/// The command line's wishes, and where servers are started.
pub(crate) struct Asked {
    stage: Stage,
    rounds: usize,
    kinds: Vec<Kind>,
}

impl Asked {
    /// All targets, each started on one thread.
    async fn targets(&self) -> Result<Vec<Target>, Failure> {
        let mut targets = Vec::new();
        for &kind in &self.kinds {
            targets.push(self.stage.start(kind).await?);
        }
        Ok(targets)
    }
}
