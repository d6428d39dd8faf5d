//! Requests and answers of the sizes that occur, and what each costs on its way.

use super::{Asked, exchange::WARM_UP};
use crate::{
    Failure, client,
    client::Ask,
    plan::{Api, Plan},
    reply::Reply,
    results::{Rounds, micros},
};
use active_requests_benches::bodies;
use bytes::Bytes;

/// Bytes that go through a target in each round of each case, so that all rounds take about as long.
const ROUND: usize = 48 << 20;

/// Requests at a time: enough to keep one thread busy, and few enough for their bodies to stay near the processor.
const CONNECTIONS: usize = 4;

struct Case {
    what: &'static str,
    body: Bytes,
    reply: Reply,
}

fn cases() -> [Case; 10] {
    let plan = Plan::new(20, 0);
    let request = |what, body| Case { what, body, reply: Reply::Whole(plan) };
    let answer = |what, reply| Case { what, body: plan.request(Api::OpenAi, false), reply };
    [
        request("prompt, 4 KB", bodies::prompt(4 << 10)),
        request("coding agent, 200 KB", bodies::agent(200 << 10)),
        request("prompt, 1 MB", bodies::prompt(1 << 20)),
        request("tool schemas, 100 KB", bodies::tools(100 << 10)),
        request("Base64, 5 MB", bodies::image(5 << 20)),
        request("one plain string, 1 MB", bodies::plain_prompt(1 << 20)),
        request("nested arguments, 100 KB", bodies::nested(100 << 10)),
        request("a million small numbers", bodies::numbers(1_000_000)),
        answer("answer of 56 KB with escapes", Reply::Text(56_000)),
        answer("embeddings, 2 MB", Reply::Embeddings(100)),
    ]
}

pub async fn bodies(asked: &Asked) -> Result<Rounds, Failure> {
    let targets = asked.targets().await?;
    let mut rounds = Rounds::default();
    for Case { what, body, reply } in cases() {
        let size = body.len() + reply.chunks(Api::OpenAi).iter().map(Bytes::len).sum::<usize>();
        let exchanges = (ROUND / size).clamp(12, 4000);
        for round in 0..=asked.rounds {
            for target in &targets {
                let ask = Ask::with_body(target, Api::OpenAi, body.clone(), reply);
                let exchanges = if round == 0 { WARM_UP.min(exchanges) } else { exchanges };
                let before = target.server.cpu()?;
                client::run(target, &ask, CONNECTIONS, exchanges).await?;
                let spent = target.server.cpu()? - before;
                if round > 0 {
                    let what = format!("CPU per request, us: {what}");
                    rounds.add(&what, "<= 1.25 x floor", target, micros(spent) / exchanges as f64);
                }
            }
        }
    }
    Ok(rounds)
}
