//! Processes: starting them, ending them, and what the kernel knows of them.

use crate::Failure;
use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::process::CommandExt,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpSocket, TcpStream},
    process::{Child, Command},
};

/// A server of ours, ended when this is dropped.
pub struct Server {
    pub port: u16,
    pub pid: u32,
    _child: Child,
}

impl Server {
    /// Runs `command`, which is to listen on `port`, and waits until it does.
    pub async fn start(mut command: Command, port: u16) -> Result<Self, Failure> {
        let what = format!("{:?}", command.as_std());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("{what}: {error}"))?;
        let pid = child.id().ok_or("it ended at once")?;
        for _ in 0..500 {
            if TcpStream::connect(loopback(port)).await.is_ok() {
                return Ok(Self { port, pid, _child: child });
            }
            if let Some(status) = child.try_wait()? {
                return Err(format!("{what} ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("{what} does not listen on {port}").into())
    }

    /// Time on a processor of all its threads.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// Resident memory, in KB.
    pub fn memory(&self) -> Result<f64, Failure> {
        self.status("VmRSS:")
    }

    /// The most resident memory that there has been, in KB.
    pub fn peak_memory(&self) -> Result<f64, Failure> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
        Ok(kilobytes.ok_or_else(|| format!("there is no {name}"))?.parse()?)
    }
}

/// This program again, as another of its parts.
pub fn ourselves() -> Result<Command, Failure> {
    Ok(Command::new(std::env::current_exe()?))
}

/// Comes when the other end of standard input is closed, as it is when the parent ends, however that may be.
pub async fn until_parent_is_gone() {
    let mut byte = [0];
    while tokio::io::stdin().read(&mut byte).await.is_ok_and(|count| count > 0) {}
}

/// Listens on a loopback port with room for a crowd at the door. Threads may each do so: the kernel then spreads connections.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(loopback(port))?;
    socket.listen(16 * 1024)
}

/// A port that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind(loopback(0))?.local_addr()?.port())
}

pub fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Starts this program again with as many file descriptors as it may have: the limit can only be raised in between,
/// and all that is started here inherits it.
pub fn raise_file_limit() -> Result<(), Failure> {
    const DONE: &str = "LOAD_FILE_LIMIT_RAISED";
    if std::env::var_os(DONE).is_some() {
        return Ok(());
    }
    let raise = r#"ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#;
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", raise]).arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).env(DONE, "1");
    Err(shell.exec().into())
}

/// How many file descriptors a process may have.
pub fn file_limit() -> Result<usize, Failure> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let open =
        limits.lines().find(|line| line.starts_with("Max open files")).ok_or("there is no limit of open files")?;
    Ok(open.split_whitespace().nth(3).unwrap_or_default().parse().unwrap_or(usize::MAX))
}
