//! Networks of their own: one for all that is started here, and one for a replica that can be cut off without a word.

use std::{
    env,
    net::SocketAddr,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use crate::{
    Failure,
    engine::EngineKind,
    process::Process,
    replica::{Orders, Replica, launch},
};

/// Set in the environment of the program within its own network.
const INSIDE: &str = "FLEET_FAULTS_OWN_NETWORK";

/// Starts this program again in a network of its own, if that is permitted: in it are no ports of others, and links can be cut.
pub(crate) fn enter_own_network() {
    if has_own_network() {
        if let Err(failure) = ip(&["link", "set", "lo", "up"]) {
            eprintln!("{failure}");
        }
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    for permitted in [&["--net"][..], &["--net", "--map-root-user"]] {
        let tried = Command::new("unshare")
            .args(permitted)
            .args(["ip", "link"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if tried.is_ok_and(|status| status.success()) {
            let failure = Command::new("unshare")
                .args(permitted)
                .arg(&program)
                .args(env::args_os().skip(1))
                .env(INSIDE, "1")
                .exec();
            eprintln!("{failure}");
        }
    }
}

pub(crate) fn has_own_network() -> bool {
    env::var_os(INSIDE).is_some()
}

/// A replica in a network of its own, with two links to the rest: one to the engine, which can be cut, and one for who looks on.
#[derive(Debug)]
pub(crate) struct Island {
    link: String,
}

/// The addresses at the two ends of a link.
struct LinkAddresses {
    here: String,
    there: String,
}

impl LinkAddresses {
    fn of(kind: EngineKind, number: u8) -> Self {
        let net = 2 * kind as u8 + number;
        Self { here: format!("10.99.{net}.1"), there: format!("10.99.{net}.2") }
    }
}

/// The address at which a replica on the island reaches the engine.
pub(crate) fn engine_address(kind: EngineKind) -> String {
    LinkAddresses::of(kind, 0).here
}

impl Island {
    /// Starts a replica on an island.
    pub(crate) async fn start(kind: EngineKind, orders: &Orders<'_>) -> Result<(Self, Replica), Failure> {
        let (bus, control) = (LinkAddresses::of(kind, 0), LinkAddresses::of(kind, 1));
        let provider: SocketAddr = format!("{}:{}", control.here, orders.provider.port()).parse()?;
        let orders = Orders { provider, ..orders.clone() };
        let mut command = orders.command(&["unshare", "--net"]);
        command.env("HOST", "0.0.0.0").env("PROXY_OPEN", "true");
        let (process, address) = launch(command).await?;
        let name = |what: &str| format!("{what}-{}", kind.name());
        for (link, addresses) in [(name("bus"), &bus), (name("control"), &control)] {
            join(&process, &link, addresses)?;
        }
        let address = format!("{}:{}", control.there, address.port()).parse()?;
        let replica = Replica::at(orders.name, process, address).await?;
        Ok((Self { link: name("bus") }, replica))
    }

    /// Cuts the link to the engine: what is sent vanishes, and neither end is told.
    pub(crate) fn cut(&self) -> Result<(), Failure> {
        ip(&["link", "set", &self.link, "down"])
    }

    pub(crate) fn heal(&self) -> Result<(), Failure> {
        ip(&["link", "set", &self.link, "up"])
    }
}

/// Lays a link from here to the network of `process`.
fn join(process: &Process, link: &str, LinkAddresses { here, there }: &LinkAddresses) -> Result<(), Failure> {
    let id = process.id().to_string();
    ip(&["link", "add", link, "type", "veth", "peer", "name", link, "netns", &id])?;
    ip(&["addr", "add", &format!("{here}/30"), "dev", link])?;
    ip(&["link", "set", link, "up"])?;
    let inside = |words: &[&str]| run("nsenter", &[&["-t", &id, "-n", "ip"], words].concat());
    inside(&["link", "set", "lo", "up"])?;
    inside(&["addr", "add", &format!("{there}/30"), "dev", link])?;
    inside(&["link", "set", link, "up"])
}

fn ip(words: &[&str]) -> Result<(), Failure> {
    run("ip", words)
}

fn run(program: &str, words: &[&str]) -> Result<(), Failure> {
    let output = Command::new(program).args(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()).into())
}
