//! Whatever happens to the replicas and between them: when it is over, every viewer of all replicas has the rows of all replicas; and while the
//! network neither loses nor cuts, within two seconds.

use crate::support::{Replica, Table, Viewer, ms, pass};
use active_requests::{
    fleet::MemoryNetwork,
    tracker::{BodyProgress, Outcome},
    usage::Observation,
};
use http::StatusCode;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Start(usize),
    Head(usize),
    Frame(usize, u64),
    Stage(usize),
    End(usize),
    /// A replica's bus is cut off, or joined again.
    Cut(usize, bool),
    Faults {
        loss: f64,
        doubling: f64,
        delay: u64,
    },
    /// A replica ends, or dies without a word, and another takes its place.
    Replace(usize, bool),
    Join(usize, bool),
    Leave(usize),
    Pass(u64),
    /// The network is well again, and all viewers are compared.
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let one = 0..64_usize;
    prop_oneof![
        8 => one.clone().prop_map(Start),
        3 => one.clone().prop_map(Head),
        5 => (one.clone(), 0..9_u64).prop_map(|(i, n)| Frame(i, n)),
        2 => one.clone().prop_map(Stage),
        6 => one.clone().prop_map(End),
        1 => (one.clone(), any::<bool>()).prop_map(|(i, cut)| Cut(i, cut)),
        2 => (prop_oneof![Just(0.0), 0.0..0.5], prop_oneof![Just(0.0), 0.0..1.0], prop_oneof![Just(0), 0..400_u64])
            .prop_map(|(loss, doubling, delay)| Faults { loss, doubling, delay }),
        1 => (one.clone(), any::<bool>()).prop_map(|(i, word)| Replace(i, word)),
        2 => (one.clone(), any::<bool>()).prop_map(|(i, delta)| Join(i, delta)),
        1 => one.prop_map(Leave),
        8 => prop_oneof![Just(0), 1..30_u64, 80..120_u64, 240..260_u64, 900..1_100_u64, 5_000..11_000_u64].prop_map(Pass),
        1 => Just(Settle),
    ]
}

struct World {
    network: MemoryNetwork,
    replicas: Vec<Replica>,
    /// Dead, but for their memory: their buses stay cut.
    dead: Vec<Replica>,
    /// Viewers, with the replica that they watch at.
    viewers: Vec<(usize, Viewer)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let network = MemoryNetwork::new(seed);
        let replicas = (0..3).map(|n| Replica::new(&network, &format!("r{n}"))).collect();
        Self { network, replicas, dead: Vec::new(), viewers: Vec::new() }
    }

    /// The replica and the request that `i` picks.
    fn pick(&mut self, i: usize) -> Option<(&mut Replica, usize)> {
        let count = self.replicas.len();
        let replica = &mut self.replicas[i % count];
        let request = i / count % replica.requests.len().max(1);
        (!replica.requests.is_empty()).then_some((replica, request))
    }

    async fn take(&mut self, step: Step) {
        let count = self.replicas.len();
        match step {
            Step::Start(i) => _ = self.replicas[i % count].start("openai:gpt-4o"),
            Step::Head(i) => {
                if let Some((replica, at)) = self.pick(i) {
                    replica.requests[at].head(StatusCode::OK, Some(true), Observation::Full);
                }
            }
            Step::Frame(i, n) => {
                if let Some((replica, at)) = self.pick(i) {
                    replica.requests[at].frame(BodyProgress { response_bytes: n, text_bytes: n });
                }
            }
            Step::Stage(i) => {
                if let Some((replica, at)) = self.pick(i) {
                    replica.requests[at].handle().set_stage("\"searching\"");
                }
            }
            Step::End(i) => {
                if let Some((replica, at)) = self.pick(i) {
                    replica.requests.swap_remove(at).finish(Outcome::Completed);
                }
            }
            Step::Cut(i, cut) => self.replicas[i % count].bus.cut(cut),
            Step::Faults { loss, doubling, delay } => self.network.set_faults(loss, doubling, ms(delay)),
            Step::Replace(i, with_a_word) => {
                let at = i % count;
                let name = self.replicas[at].fleet.replica().to_owned();
                self.viewers.retain(|(watched, _)| *watched != at);
                let old = std::mem::replace(&mut self.replicas[at], Replica::new(&self.network, &name));
                if with_a_word {
                    old.tracker.shutdown();
                } else {
                    old.bus.cut(true);
                    self.dead.push(old);
                }
            }
            Step::Join(i, delta) => {
                let format = if delta { "delta" } else { "update" };
                self.viewers.push((i % count, self.replicas[i % count].watch(format).await));
            }
            Step::Leave(i) => {
                if !self.viewers.is_empty() {
                    self.viewers.swap_remove(i % self.viewers.len());
                }
            }
            Step::Pass(time) => pass(time).await,
            Step::Settle => self.settle().await,
        }
    }

    async fn settle(&mut self) {
        self.network.set_faults(0.0, 0.0, ms(0));
        self.replicas.iter().for_each(|replica| replica.bus.cut(false));
        // The dead have to be given up, and the last words of a lossy network to arrive.
        pass(13_000).await;
        let expected = Table::of(&self.replicas);
        for (at, viewer) in &mut self.viewers {
            viewer.read_for(ms(3_000)).await;
            assert_eq!(viewer.table, expected, "a viewer at r{at}");
        }
        for replica in &self.replicas {
            assert_eq!(replica.snapshot().await, expected, "a snapshot of {}", replica.fleet.replica());
            assert_eq!(replica.fleet.counts().mismatches, 0);
        }
    }
}

fn run(seed: u64, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(seed);
        for step in steps {
            world.take(step).await;
        }
        world.settle().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn when_all_is_well_again_every_viewer_has_the_rows_of_all(
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        run(seed, steps);
    }
}
