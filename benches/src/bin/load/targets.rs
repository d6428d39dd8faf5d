//! Servers to measure: the floor, our proxy with tracking on and off, and what else is installed.

use crate::{
    Failure,
    client::{HOST, Link},
    process::{Server, free_port, ourselves},
    tls,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::process::Command;

/// A way to reach the upstream.
#[derive(Clone)]
pub struct Target {
    pub name: &'static str,
    /// The path's beginning, before the upstream's own path.
    pub prefix: &'static str,
    pub link: Link,
    pub server: Arc<Server>,
}

/// A server between client and upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Floor,
    Proxy,
    /// Our proxy with its list switched off.
    Untracked,
    /// Our proxy where requests can be cancelled, with the key [`OPERATOR`].
    Cancelling,
    /// Our proxy without lines in its log.
    Unlogged,
    Nginx,
    Haproxy,
}

/// How a server is started: by default on one thread, and plain on both sides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// Threads besides the first.
    pub more_threads: usize,
    /// Clients speak HTTP/2.
    pub http2: bool,
    /// Clients speak TLS.
    pub tls: bool,
    /// The upstream speaks TLS.
    pub upstream_tls: bool,
}

/// The key that may cancel.
pub const OPERATOR: &str = "load-operator";

impl Kind {
    /// The kinds that every scenario measures.
    pub const ALL: [Self; 5] = [Self::Floor, Self::Proxy, Self::Untracked, Self::Nginx, Self::Haproxy];

    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Proxy => "proxy",
            Self::Untracked => "untracked",
            Self::Cancelling => "cancelling",
            Self::Unlogged => "no log",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// Whether it is there to be started.
    pub fn is_installed(self) -> bool {
        match self {
            Self::Floor => true,
            Self::Proxy | Self::Untracked | Self::Cancelling | Self::Unlogged => proxy().is_ok(),
            Self::Nginx => find("nginx").is_some(),
            Self::Haproxy => find("haproxy").is_some(),
        }
    }
}

/// The upstream and a place for configurations.
pub struct Stage {
    pub upstream: Target,
    upstream_tls: u16,
    dir: PathBuf,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Stage {
    pub async fn set() -> Result<Self, Failure> {
        let dir = std::env::temp_dir().join(format!("load-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        tls::make(&dir, HOST)?;
        let (port, upstream_tls) = (free_port()?, free_port()?);
        let mut command = ourselves()?;
        command.args(["mock", &port.to_string(), &upstream_tls.to_string()]).arg(&dir);
        let server = Arc::new(Server::start(command, port).await?);
        Ok(Self { upstream: Target { name: "upstream", prefix: "", link: Link::Http1, server }, upstream_tls, dir })
    }

    /// Starts one, on one thread and plain.
    pub async fn start(&self, kind: Kind) -> Result<Target, Failure> {
        self.start_as(kind, Setup::default()).await
    }

    /// Starts one. nginx and HAProxy know the default setup only.
    pub async fn start_as(&self, kind: Kind, setup: Setup) -> Result<Target, Failure> {
        let port = free_port()?;
        let upstream = if setup.upstream_tls { self.upstream_tls } else { self.upstream.server.port };
        let mut prefix = "";
        let command = match kind {
            Kind::Floor => self.floor(port, upstream, setup)?,
            Kind::Proxy | Kind::Untracked | Kind::Cancelling | Kind::Unlogged => {
                prefix = "/mock";
                self.proxy(port, upstream, setup, kind)?
            }
            Kind::Nginx => {
                let mut command = Command::new(find("nginx").ok_or("nginx is not installed")?);
                command.arg("-p").arg(&self.dir).arg("-c").arg(self.write("nginx.conf", &nginx(port, upstream))?);
                command
            }
            Kind::Haproxy => {
                let mut command = Command::new(find("haproxy").ok_or("haproxy is not installed")?);
                command.arg("-db").arg("-f").arg(self.write("haproxy.cfg", &haproxy(port, upstream))?);
                command
            }
        };
        let link = match setup {
            Setup { tls: true, .. } => Link::Tls(Arc::new(tls::client(&self.dir)?).into()),
            Setup { http2: true, .. } => Link::Http2,
            _ => Link::Http1,
        };
        Ok(Target { name: kind.name(), prefix, link, server: Arc::new(Server::start(command, port).await?) })
    }

    fn floor(&self, port: u16, upstream: u16, setup: Setup) -> Result<Command, Failure> {
        let mut command = ourselves()?;
        command.args(["floor", &port.to_string(), &upstream.to_string()]);
        command.args(["--threads", &(1 + setup.more_threads).to_string()]);
        if setup.http2 {
            command.arg("--http2");
        }
        for (flag, wanted) in [("--tls", setup.tls), ("--upstream-tls", setup.upstream_tls)] {
            if wanted {
                command.arg(flag).arg(&self.dir);
            }
        }
        Ok(command)
    }

    fn proxy(&self, port: u16, upstream: u16, setup: Setup, kind: Kind) -> Result<Command, Failure> {
        let mut command = Command::new(proxy()?);
        let scheme = if setup.upstream_tls { "https" } else { "http" };
        command
            .env_clear()
            .env("PORT", port.to_string())
            .env("PROXY_THREADS", (1 + setup.more_threads).to_string())
            .env("MOCK_BASE_URL", format!("{scheme}://{HOST}:{upstream}"))
            .env("MOCK_API_KEY", "load")
            .env("LOG_REQUEST_METRICS", (kind != Kind::Untracked).to_string());
        if kind == Kind::Cancelling {
            command.env("VDM_ACTIVE_REQUESTS_OPERATE_KEYS", OPERATOR);
        }
        if kind == Kind::Unlogged {
            command.env("RUST_LOG", "off");
        }
        if setup.tls {
            command.env("PROXY_TLS_CERT", tls::certificate(&self.dir)).env("PROXY_TLS_KEY", tls::key(&self.dir));
        }
        if setup.upstream_tls {
            command.env("PROXY_CA_FILE", tls::certificate(&self.dir));
        }
        Ok(command)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.dir.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// Our proxy, built into the same folder as this program.
fn proxy() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe()?.with_file_name("active-requests-proxy");
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{} is missing: cargo build --release -p active-requests-proxy", path.display()).into())
}

/// A program on the path, or where Debian keeps those of the administrator.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join(program))
        .find(|path: &PathBuf| Path::is_file(path))
}

/// One worker that buffers nothing and keeps its upstream connections.
fn nginx(port: u16, upstream: u16) -> String {
    format!(
        "daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 65536; pid nginx.pid; error_log /dev/null;
events {{ worker_connections 40000; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000; keepalive_timeout 300s;
  client_max_body_size 0; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 4096; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=16384;
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 300s;
    }}
  }}
}}
"
    )
}

/// One thread that keeps its upstream connections.
fn haproxy(port: u16, upstream: u16) -> String {
    format!(
        "global
  nbthread 1
  maxconn 9000
defaults
  mode http
  option http-no-delay
  option abortonclose
  http-reuse always
  timeout connect 10s
  timeout client 300s
  timeout server 300s
listen mock
  bind 127.0.0.1:{port} backlog 16384
  server mock 127.0.0.1:{upstream} pool-max-conn 4096
"
    )
}
