//! The same exchanges over other links: clients that speak HTTP/2 or TLS, and an upstream that speaks TLS.

use super::{Asked, exchange};
use crate::{
    Failure,
    results::Rounds,
    targets::{Kind, Setup},
};

pub async fn links(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    for (what, setup) in [
        ("clients over HTTP/2, one connection", Setup { http2: true, ..Setup::default() }),
        ("clients over TLS", Setup { tls: true, ..Setup::default() }),
        ("upstream over TLS", Setup { upstream_tls: true, ..Setup::default() }),
    ] {
        let mut targets = Vec::new();
        for kind in [Kind::Floor, Kind::Proxy, Kind::Untracked] {
            targets.push(asked.stage.start_as(kind, setup).await?);
        }
        for (unit, load) in [("request", exchange::SHORT), ("chunk, 5 ms apart", exchange::PACED)] {
            let what = format!("CPU per {unit}, {what}, us");
            exchange::add_cost(&targets, asked.rounds, &load.of_one_api(), &what, "<= 1.10 x floor", &mut rounds)
                .await?;
        }
    }
    Ok(rounds)
}
