//! The proxy as a program of its own.

use std::{net::SocketAddr, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use crate::support::PATIENCE;

/// A program that is killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    pub address: SocketAddr,
    log: Lines<BufReader<ChildStderr>>,
    _output: Lines<BufReader<ChildStdout>>,
}

/// The program with these flags and variables, and no other variables.
pub fn command(args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_active-requests-proxy"));
    command.args(args).env_clear().envs(env.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Program {
    /// Starts it on a free port.
    pub async fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut child = command(&[args, &["--port=0"]].concat(), env).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let started = async {
            let Some(line) = output.next_line().await.unwrap() else {
                panic!("no start: {:?}", log.next_line().await.unwrap());
            };
            let (_, at) = line.split_once("://").unwrap();
            at.split('/').next().unwrap().parse().unwrap()
        };
        let address = tokio::time::timeout(PATIENCE, started).await.expect("the program starts");
        Self { child, address, log, _output: output }
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// Sends it a signal, such as `HUP`.
    pub async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), id]).status().await.unwrap().success());
    }

    /// Waits for a line of its log with this text.
    pub async fn logged(&mut self, text: &str) -> String {
        let line = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("the log ended before {text:?}");
        };
        tokio::time::timeout(PATIENCE, line).await.unwrap_or_else(|_| panic!("{text:?} in the log"))
    }

    /// Waits until it ends, and returns its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the program ends").unwrap().code()
    }
}
