//! Every replica's requests in every replica's view.
//!
//! A service of several replicas behind a load balancer shows, on each of them, only the requests of that one. Replicas that share a *bus*
//! (a NATS or a Redis server, features `fleet-nats` and `fleet-redis`; [`FleetBus`] for another) form a *fleet*: with `?scope=fleet` any of them shows, streams, sums up and cancels the requests
//! of all.
//!
//! ```
//! use active_requests::{
//!     MonitorConfig, MonitorService, RequestTracker,
//!     config::FleetConfig,
//!     fleet::{Fleet, MemoryNetwork},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = RequestTracker::default();
//! // Within one process, for tests; `Fleet::connect` takes the server that `FleetConfig::url` names.
//! let bus = MemoryNetwork::default().bus();
//! let fleet = Fleet::start(bus, tracker.clone(), FleetConfig::from_env()?)?;
//! let monitor = MonitorService::new(tracker, MonitorConfig::default()).with_fleet(fleet);
//! # let _ = monitor;
//! # Ok(())
//! # }
//! ```
//!
//! # Rows or sums
//!
//! The rows of a whole fleet are shown as long as there are at most [`max_rows`](crate::config::FleetConfig::max_rows) of them. Above that, replicas
//! send sums each two seconds, and what is shown says so: `fleet` has `"mode": "sums"`, `active_requests` is empty, and there is a member
//! `sums`, with an element for each replica:
//!
//! ```json
//! {"replica": "proxy-1", "epoch": "7f3a9c01", "rows": 10021,
//!  "models": [["openai", "gpt-4o", 12, 3, 9801, 4, 9, 812000, 401100, 81230.4, 61022, 51200, 41380, 17]],
//!  "callers": [["team-a", 12, 3, 9000, 4, 9, 712000, 301100, 71230.4, 61022], [null, 0, 0, 801, 0, 0, 100000, 100000, 10000.0, 40000]]}
//! ```
//!
//! An element of `models` is `[provider, model, waiting, responding, streaming, stalled, waiting_on_client, input_tokens, output_tokens,
//! output_tokens_per_second, oldest_ms, started, ended, errors]`, by the keys that totals are kept by. The first four counts are the requests in
//! flight by phase; the last three count since the replica's start. `callers` has the same of each caller but for those three, and is empty where
//! no request has a caller; `null` stands for the requests without one. Each list begins with the greatest and has at most 256 elements, of
//! which the last is then `other`. Columns may be added at the end.
//!
//! A delta has `sums` with the elements that are new, each in the place of all that was known of its replica; `gone` takes sums away as it does rows.
//! When the fleet goes from rows to sums or back, streams begin again with an update. It goes back when three quarters of `max_rows` are left.
//! `?scope=replica:7f3a9c01` shows the rows of one replica, as `?scope=fleet` shows those of all, however many there are elsewhere.
//!
//! # What travels
//!
//! The replica is the only writer of its rows, and nothing of them is kept in the engine: whoever watches holds the tables. A replica with a viewer of
//! the fleet is a *watcher*: it sends a *lease* each second, and while any lease lives every replica sends what the monitor's stream of deltas would show,
//! at most four times a second, or its sums each two seconds. A new watcher is told first how many rows each replica has, and asks for none where they are too many. Without a watcher nothing is sent. Each message is a line of text and a body: `nats sub 'ar1.>'` or `redis-cli psubscribe 'ar1.*'`
//! shows them. Rows hold no prompt, no completion, no header but those that are configured as labels, and no key.
//!
//! # What is promised
//!
//! - Rows of one replica are shown in that replica's order; each state shown was true there, and a delta is applied whole. Between replicas
//!   there is no order and no common moment.
//! - While the bus works, a change is shown within [`interval`](crate::config::FleetConfig::interval) + 500 ms + network.
//! - A message that is lost is noticed within about a second, and repaired by asking its sender; one whose checksum is not right counts as lost. With
//!   what is told of rows goes a digest of what the table must hold, so that a table that has gone wrong is found out and fetched anew.
//! - Rows of a replica that ends vanish at once. Rows of one that dies or is cut off are marked `stale` after
//!   [`stale_after`](crate::config::FleetConfig::stale_after) and vanish after [`gone_after`](crate::config::FleetConfig::gone_after) of silence. Gone means silent, not proven dead.
//! - The own rows need no bus: without one, the view says `lost` and shows them.
//! - A cancellation is sent at least once and carried out at most once. Its answer is that of the replica that has the request; if none comes, the error
//!   says that it may still be carried out.
//! - No request that is tracked waits for any of this.
//!
//! # What it costs
//!
//! Without a watcher: one connection and a few bytes. With one: what a viewer of deltas costs, and compressing it. The watcher holds each row as
//! text, about a kilobyte. Sums cost it a few kilobytes per replica each two seconds, whatever the number of rows.

mod answer;
mod answering;
mod broadcast;
mod bus;
mod calls;
mod clock_offset;
mod common;
mod counts;
mod digest;
#[cfg(any(feature = "fleet-nats", feature = "fleet-redis"))]
mod engine;
mod error;
mod handle;
mod hubs;
mod lease;
mod link;
mod list;
mod log;
mod memory;
mod merge;
#[cfg(feature = "fleet-nats")]
mod nats;
mod node;
mod outbox;
mod packed;
mod publishing;
mod queue;
#[cfg(feature = "fleet-redis")]
mod redis;
mod row;
mod source;
mod source_rows;
mod sums;
#[cfg(any(feature = "fleet-nats", feature = "fleet-redis"))]
mod task;
mod text;
mod topic;
#[cfg(any(feature = "fleet-nats", feature = "fleet-redis"))]
mod trust;
mod view_json;
mod viewers;
mod want;
mod watch;
mod watching;
mod wire;

#[cfg(feature = "fleet-nats")]
pub use self::nats::NatsBus;
#[cfg(feature = "fleet-redis")]
pub use self::redis::RedisBus;
pub use self::{
    bus::{FleetBus, Listening, Lost},
    counts::FleetCounts,
    error::FleetError,
    handle::Fleet,
    memory::{MemoryBus, MemoryFaults, MemoryNetwork},
    queue::Inbox,
    topic::Topic,
};
