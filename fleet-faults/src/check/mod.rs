//! The checks, each a fault and what the fleet's viewers must be shown.

mod cut_off;
mod engine_away;
mod kills;
mod replica_away;
mod slow;
mod together;

use std::time::Duration;

use crate::{engine::EngineKind, finding::Course, island, stage::Stage};

/// A check that can be made for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Check {
    /// Three replicas: each shows all rows, tokens move, a cancellation reaches another replica, an orderly end is seen at once
    Together,
    /// A replica is killed without a word and comes back
    Killed,
    /// A replica is paused, for a moment and until it is given up
    Paused,
    /// The engine is killed and comes back after a moment, and after the others have been given up
    Restarted,
    /// The engine starts after the replicas
    Late,
    /// The engine is paused
    Frozen,
    /// A replica's link to the engine is cut without a word
    Partition,
    /// Subscribers that do not read, and a watcher that is paused, under traffic
    Slow,
    /// Many replicas under load, killed, ended and paused at random, with requests cancelled at random; compared at rest
    Kills,
}

impl Check {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::Killed => "killed",
            Self::Paused => "paused",
            Self::Restarted => "restarted",
            Self::Late => "late",
            Self::Frozen => "frozen",
            Self::Partition => "partition",
            Self::Slow => "slow",
            Self::Kills => "kills",
        }
    }

    /// Whether it wants the machine for itself.
    pub(crate) fn is_heavy(self) -> bool {
        self == Self::Kills
    }

    pub(crate) async fn make(self, stage: &Stage, kind: EngineKind) -> Course {
        let mut course = Course::new(self, kind);
        let end = match self {
            Self::Together => together::all_are_shown(stage, kind, &mut course).await,
            Self::Killed => replica_away::killed(stage, kind, &mut course).await,
            Self::Paused => replica_away::paused(stage, kind, &mut course).await,
            Self::Restarted => engine_away::restarted(stage, kind, &mut course).await,
            Self::Late => engine_away::late(stage, kind, &mut course).await,
            Self::Frozen => engine_away::frozen(stage, kind, &mut course).await,
            Self::Partition if !island::has_own_network() => {
                course.leave_unchecked("a network of its own is not permitted here (unshare --net)");
                Ok(())
            }
            Self::Partition => cut_off::partition(stage, kind, &mut course).await,
            Self::Slow => slow::readers(stage, kind, &mut course).await,
            Self::Kills => kills::at_random(stage, kind, &mut course).await,
        };
        course.ended(end)
    }
}

/// The times that the fleet promises.
mod promise {
    use super::Duration;

    pub(super) const SHOWN: Duration = Duration::from_millis(1500);
    pub(super) const AT_ONCE: Duration = Duration::from_secs(1);
    pub(super) const EQUAL: Duration = Duration::from_secs(2);
    pub(super) const STALE: Duration = Duration::from_secs(5);
    pub(super) const GONE: Duration = Duration::from_secs(10);
}
