//! The registry: a request put on the list and taken off it again, while a thousand others stay, beside the two registries
//! that first come to mind.

use active_requests::tracker::{Outcome, RequestInfo, RequestTracker};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Method;
use std::{hint::black_box, sync::Arc};

/// Requests that are in flight all the while.
const OTHERS: u64 = 1000;

fn register_and_end(c: &mut Criterion) {
    let mut group = c.benchmark_group("tracker/register and end");
    group.bench_function("ours", |b| {
        let tracker = RequestTracker::default();
        let info = RequestInfo::new().provider("openai").model("gpt-4o");
        let start = || tracker.start(&Method::POST, "/v1/chat/completions", black_box(&info)).expect("it is enabled");
        let _others: Vec<_> = (0..OTHERS).map(|_| start()).collect();
        b.iter(|| start().finish(Outcome::Completed));
    });
    group.bench_function("Mutex<HashMap>", |b| {
        let registry = Arc::new(rivals::Locked::default());
        let start = || rivals::start(&registry, black_box("openai"), black_box("gpt-4o"));
        let _others: Vec<_> = (0..OTHERS).map(|_| start()).collect();
        b.iter(|| drop(start()));
    });
    group.bench_function("DashMap", |b| {
        let registry = Arc::new(rivals::Sharded::default());
        let start = || rivals::start(&registry, black_box("openai"), black_box("gpt-4o"));
        let _others: Vec<_> = (0..OTHERS).map(|_| start()).collect();
        b.iter(|| drop(start()));
    });
    group.finish();
}

/// Registries as one would write them first: a map by id, a guard that takes its row off again, and totals by model. They keep
/// much less of a request than ours does.
mod rivals {
    use dashmap::DashMap;
    use std::{
        collections::HashMap,
        hash::{BuildHasher, RandomState},
        sync::{Arc, Mutex},
        time::{Duration, Instant},
    };

    /// A request in flight.
    pub(crate) struct Entry {
        provider: String,
        model: String,
        started: Instant,
    }

    /// Sums over the requests that have ended.
    #[derive(Default)]
    struct Totals {
        requests: u64,
        took: Duration,
    }

    impl Totals {
        fn add(&mut self, entry: &Entry) {
            self.requests += 1;
            self.took += entry.started.elapsed();
        }
    }

    pub(crate) trait Registry {
        fn insert(&self, id: &str, entry: Entry);
        fn remove(&self, id: &str);
    }

    #[derive(Default)]
    pub(crate) struct Locked(Mutex<(HashMap<String, Entry>, HashMap<String, Totals>)>);

    impl Registry for Locked {
        fn insert(&self, id: &str, entry: Entry) {
            self.0.lock().expect("nobody panics").0.insert(id.to_owned(), entry);
        }

        fn remove(&self, id: &str) {
            let mut maps = self.0.lock().expect("nobody panics");
            if let Some(entry) = maps.0.remove(id) {
                maps.1.entry(format!("{}:{}", entry.provider, entry.model)).or_default().add(&entry);
            }
        }
    }

    #[derive(Default)]
    pub(crate) struct Sharded {
        active: DashMap<String, Entry>,
        totals: DashMap<String, Totals>,
    }

    impl Registry for Sharded {
        fn insert(&self, id: &str, entry: Entry) {
            self.active.insert(id.to_owned(), entry);
        }

        fn remove(&self, id: &str) {
            if let Some((_, entry)) = self.active.remove(id) {
                self.totals.entry(format!("{}:{}", entry.provider, entry.model)).or_default().add(&entry);
            }
        }
    }

    pub(crate) struct Guard<R: Registry>(Arc<R>, String);

    impl<R: Registry> Drop for Guard<R> {
        fn drop(&mut self) {
            self.0.remove(&self.1);
        }
    }

    pub(crate) fn start<R: Registry>(registry: &Arc<R>, provider: &str, model: &str) -> Guard<R> {
        // As random as an id must be.
        let id = format!("{:016x}", RandomState::new().hash_one(model));
        let entry = Entry { provider: provider.to_owned(), model: model.to_owned(), started: Instant::now() };
        registry.insert(&id, entry);
        Guard(Arc::clone(registry), id)
    }
}

criterion_group!(benches, register_and_end);
criterion_main!(benches);
