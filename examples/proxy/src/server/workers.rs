//! The threads that serve connections.
//!
//! Each has a runtime of its own, and a connection stays where it was put: its client, its upstream and its timers wake no other
//! thread. The thread that accepts serves too, and hands a connection to whoever has the fewest.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::{net::TcpStream, runtime::Handle, sync::oneshot};

use crate::upstream::pool;

/// The threads that serve besides the one that this is made on. They end when it is dropped, and what they serve is cut off.
#[derive(Debug, Default)]
pub struct Workers {
    others: Vec<Worker>,
    /// Counts the connections of the accepting thread, as do those of the others theirs.
    here: Arc<()>,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    connections: Arc<()>,
    /// Ends the thread when dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Workers {
    /// Starts so many threads, less the one that is running.
    pub fn start(threads: usize) -> io::Result<Self> {
        let others = (1..threads).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Self { others, here: Arc::default() })
    }

    /// Serves a connection on the thread with the fewest of them. `serve` is called there.
    pub(super) fn serve<F>(&self, stream: TcpStream, serve: impl FnOnce(TcpStream) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let fewest = self.others.iter().min_by_key(|worker| Arc::strong_count(&worker.connections));
        let fewer = |worker: &&Worker| Arc::strong_count(&worker.connections) < Arc::strong_count(&self.here);
        let Some(worker) = fewest.filter(fewer) else {
            let connection = Arc::clone(&self.here);
            // Called in there: a future that is handed in would take its room twice.
            tokio::spawn(async move {
                serve(stream).await;
                drop(connection);
            });
            return;
        };
        let connection = Arc::clone(&worker.connections);
        // Known to the runtime of the other thread from there on.
        let Ok(stream) = stream.into_std() else { return };
        worker.runtime.spawn(async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream).await,
                Err(error) => tracing::warn!("a connection cannot be served: {error}"),
            }
            drop(connection);
        });
    }
}

/// The time between two ticks of a thread, which runs out before the timers of its connections.
///
/// A runtime wakes itself, by a system call, for each timer that is to run out before the first of those it slept with. Most often that is
/// the limit of a request whose answer is waited for, and a connection that falls idle has a shorter one. The thread that accepts has
/// such ticks by itself.
const AHEAD: Duration = Duration::from_secs(1);

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = std::sync::mpsc::channel();
        let thread = thread::Builder::new().name(format!("serve-{number}")).spawn(move || {
            pool::enter(number);
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error))),
            };
            runtime.spawn(async {
                let mut ahead = tokio::time::interval(AHEAD);
                loop {
                    ahead.tick().await;
                }
            });
            let _ = started.send(Ok(runtime.handle().clone()));
            let _ = runtime.block_on(stopped);
            // A name that is being looked up is not waited for.
            runtime.shutdown_background();
        })?;
        let runtime = starting.recv().map_err(io::Error::other)??;
        Ok(Self { runtime, connections: Arc::default(), stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It has nothing to do but to drop what it serves, the end of which is still to be logged.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, future::pending, thread::ThreadId};

    use tokio::{net::TcpListener, sync::mpsc};

    use super::*;

    #[tokio::test]
    async fn connections_are_spread_evenly_over_the_threads_and_freed_with_them() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let workers = Workers::start(3).unwrap();
        let (told, mut threads) = mpsc::unbounded_channel::<ThreadId>();
        let mut connections = HashMap::new();
        for _ in 0..9 {
            let client = TcpStream::connect(address).await.unwrap();
            let told = told.clone();
            workers.serve(listener.accept().await.unwrap().0, move |stream| async move {
                told.send(thread::current().id()).unwrap();
                pending::<()>().await;
                drop(stream);
            });
            connections.entry(threads.recv().await.unwrap()).or_insert(Vec::new()).push(client);
        }
        assert_eq!(connections.values().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3]);
        let held: Vec<_> = workers.others.iter().map(|worker| Arc::clone(&worker.connections)).collect();
        drop(workers);
        assert!(held.iter().all(|held| Arc::strong_count(held) == 1), "the threads have ended");
    }
}
