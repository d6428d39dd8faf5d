//! The proxy, as a process: how it is started, asked, measured and ended.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    client::stream::{Dial, Stream},
    exchange::{KEY, PATIENCE},
    wire::{Framing, Reader},
};

/// A proxy that is killed when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    pub address: SocketAddr,
    pub dial: Dial,
    /// Lines of its log that tell of a fault of its own.
    faults: Arc<Mutex<Vec<String>>>,
    log: JoinHandle<()>,
}

impl Proxy {
    /// Starts `program`; `within` is the command that it is to run under, such as `ip netns exec`.
    pub async fn start(
        program: &Path,
        within: &[String],
        settings: &[(&str, String)],
        certificate: Option<(PathBuf, PathBuf)>,
        dial: Dial,
    ) -> io::Result<Self> {
        let mut words = within.iter().map(Into::into).chain([program.as_os_str().to_owned()]);
        let mut command = Command::new(words.next().expect("at least the program"));
        command.args(words).env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
        if let Some((certificate, key)) = certificate {
            command.env("PROXY_TLS_CERT", certificate).env("PROXY_TLS_KEY", key);
        }
        command.env("PROXY_API_KEY", KEY).env("VDM_ACTIVE_REQUESTS_ALLOW_CANCEL", "true");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let faults = Arc::new(Mutex::new(Vec::new()));
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let log = tokio::spawn({
            let faults = Arc::clone(&faults);
            async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    if ["panicked", " ERROR ", "lost"].iter().any(|word| line.contains(word)) {
                        faults.lock().unwrap().push(line);
                    }
                }
            }
        });
        let mut output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let first = timeout(PATIENCE, output.next_line()).await??;
        let address = first.as_deref().and_then(|line| line.split("://").nth(1)?.split('/').next()?.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("the proxy did not start: {faults:?}")))?;
        // What else it says is read, for it to go on.
        tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
        Ok(Self { child, address, dial, faults, log })
    }

    pub async fn connect(&self, receive_buffer: Option<u32>, is_http2: bool) -> io::Result<Stream> {
        self.dial.connect(self.address, receive_buffer, is_http2).await
    }

    /// Asks it something on a connection that ends with the answer; status and body.
    pub async fn ask(&self, method: &str, path: &str) -> io::Result<(u16, Vec<u8>)> {
        let ask = async {
            let mut reader = Reader::new(self.connect(None, false).await?);
            let request =
                format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {KEY}\r\nconnection: close\r\n\r\n");
            reader.stream.write_all(request.as_bytes()).await?;
            let head = reader.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let mut body = Vec::new();
            reader.body(Framing::of_answer(&head, method), |data| body.extend_from_slice(data)).await?;
            Ok((head.status().unwrap_or(0), body))
        };
        timeout(PATIENCE, ask).await?
    }

    /// What it answers to a `GET`, as JSON.
    pub async fn json(&self, path: &str) -> io::Result<Value> {
        Ok(serde_json::from_slice(&self.ask("GET", path).await?.1)?)
    }

    /// Ends the request of this exchange, as an operator; the status of the answer.
    pub async fn kill(&self, number: u64) -> io::Result<u16> {
        let list = self.json("/metrics/active-requests").await?;
        let number = number.to_string();
        let rows = list["active_requests"].as_array().into_iter().flatten();
        let mut mine = rows.filter(|row| row["labels"][crate::exchange::NUMBER] == number.as_str());
        let id = mine.next().and_then(|row| row["request_id"].as_str());
        let id = id.ok_or_else(|| io::Error::other("its row is not in the list"))?;
        Ok(self.ask("DELETE", &format!("/metrics/active-requests/{id}")).await?.0)
    }

    fn id(&self) -> io::Result<u32> {
        self.child.id().ok_or_else(|| io::Error::other("the proxy has ended"))
    }

    /// Its open descriptors.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.id()?))?.count())
    }

    /// Its resident memory in kilobytes.
    pub fn memory(&self) -> io::Result<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(line.trim().trim_end_matches(" kB").parse().unwrap_or_default())
    }

    /// Lines of its log that tell of a fault of its own.
    pub fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut self.faults.lock().unwrap())
    }

    /// Asks it to end, and waits; its exit code.
    pub async fn end(&mut self) -> io::Result<Option<i32>> {
        let id = self.id()?.to_string();
        Command::new("kill").arg(id).status().await?;
        let ended = timeout(PATIENCE, self.child.wait()).await??;
        let _ = timeout(PATIENCE, &mut self.log).await;
        Ok(ended.code())
    }
}
