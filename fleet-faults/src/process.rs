//! Child processes and their signals.

use std::{fs, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::Failure;

/// The time that anything may take: no machine is so slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A child, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    pid: Pid,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Result<Self, Failure> {
        let what = format!("{:?}", command.as_std().get_program());
        let child = command.kill_on_drop(true).spawn().map_err(|error| format!("{what}: {error}"))?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or("it has ended")?;
        Ok(Self { child, pid })
    }

    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Failure> {
        Ok(kill_process(self.pid, signal)?)
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus, Failure> {
        Ok(timeout(PATIENCE, self.child.wait()).await.map_err(|_| "the process does not end")??)
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn kill(&mut self) -> Result<(), Failure> {
        self.signal(Signal::KILL)?;
        self.ended().await.map(drop)
    }

    /// Resident memory, in KB.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(kilobytes.ok_or("there is no VmRSS")?.parse()?)
    }
}
