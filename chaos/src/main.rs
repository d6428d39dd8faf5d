//! Random clients and a hostile upstream round the reference proxy, and its books afterwards.
//!
//! The proxy is a process of its own. Each visit of a client, and what the upstream does with its requests, is drawn from the seed and the
//! number of the visit. Client and upstream tell each other how far they are, so that a client leaves at a point that is known, and the
//! one outcome that is true then is known too. After each round everybody has gone, and then nothing may be left: no row, no descriptor,
//! no connection that is not pooled; and every request that was sent is in the books, once, with its outcome and its bytes.

#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

mod answer;
mod books;
mod client;
mod draw;
mod exchange;
mod proxy;
mod stand;
mod upstream;
mod vanish;
mod visit;
mod wire;

use std::{
    io,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;

use crate::stand::Stand;

/// Plays a campaign against the proxy and says what was wrong.
#[derive(Debug, Parser)]
struct Args {
    /// The proxy.
    #[arg(long, default_value = "target/debug/active-requests-proxy")]
    proxy: PathBuf,
    /// The seed; drawn and printed if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// How long new rounds are begun.
    #[arg(long, default_value_t = 0.0)]
    minutes: f64,
    /// Rounds that are played in any case.
    #[arg(long, default_value_t = 2)]
    rounds: u64,
    /// Visits of clients in a round.
    #[arg(long, default_value_t = 400)]
    visits: u64,
    /// The number of the first visit, to play some again.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Also peers that vanish without a word, which takes minutes and network namespaces.
    #[arg(long)]
    vanish: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let drawn = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = args.seed.unwrap_or_else(drawn);
    println!("seed {seed}");
    let folder = std::env::temp_dir().join(format!("chaos-{}", std::process::id()));
    let played = async {
        std::fs::create_dir_all(&folder)?;
        let vanished = async { if args.vanish { vanished(&args).await } else { Ok(true) } };
        let (plain, tls, vanished) =
            tokio::try_join!(campaign(&args, &folder, seed, false), campaign(&args, &folder, seed, true), vanished)?;
        Ok::<_, io::Error>(plain && tls && vanished)
    };
    let played = played.await;
    let _ = std::fs::remove_dir_all(&folder);
    match played {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the campaign could not be played: {error}");
            ExitCode::from(2)
        }
    }
}

/// Lets peers vanish; whether all was well, or could not be looked at.
async fn vanished(args: &Args) -> io::Result<bool> {
    let wrong = vanish::play(&args.proxy).await?.unwrap_or_default();
    wrong.iter().for_each(|why| println!("WRONG (vanished): {why}"));
    Ok(wrong.is_empty())
}

/// Plays rounds against one proxy; whether all was well.
async fn campaign(args: &Args, folder: &std::path::Path, seed: u64, is_tls: bool) -> io::Result<bool> {
    let begin = Instant::now();
    let time = Duration::from_secs_f64(args.minutes * 60.0);
    let mut stand = Stand::start(&args.proxy, folder, seed, is_tls).await?;
    let name = stand.name;
    let (mut next, mut rounds, mut good) = (args.first, 0, true);
    let mut tell = |wrong: Vec<String>| {
        good &= wrong.is_empty();
        for why in wrong.iter().take(20) {
            println!("WRONG ({name}): {why}");
        }
        if wrong.len() > 20 {
            println!("WRONG ({name}): and {} more", wrong.len() - 20);
        }
    };
    while rounds < args.rounds || begin.elapsed() < time {
        let wrong;
        (next, wrong) = stand.round(next, args.visits).await?;
        tell(wrong);
        rounds += 1;
    }
    tell(stand.end().await?);
    if !good {
        println!(
            "to play it again: make chaos SEED={seed} (a visit alone: ARGS='--first NUMBER --visits 1 --rounds 1')"
        );
    }
    Ok(good)
}
