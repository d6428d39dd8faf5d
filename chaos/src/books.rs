//! The proxy's books, beside what was sent.

use std::{collections::BTreeMap, io, sync::Arc};

use serde_json::Value;

use crate::{
    answer::Ending,
    exchange::{Client, Exchange, NUMBER},
    proxy::Proxy,
};

/// Ended requests by outcome.
type Outcomes = BTreeMap<String, u64>;

/// Sums of what the proxy has shown.
#[derive(Debug, Default)]
pub struct Books {
    /// The newest trace that has been looked at.
    seq: u64,
    outcomes: Outcomes,
    errors: u64,
}

impl Books {
    /// Looks at the traces of these exchanges and at the sums since the start; what is wrong.
    pub async fn check(&mut self, proxy: &Proxy, exchanges: &[Arc<Exchange>]) -> io::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let logs = proxy.json("/metrics/logs?limit_traces=2000&limit_errors=1").await?;
        let mut traces: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
        let mut newest = self.seq;
        for trace in logs["traces"].as_array().into_iter().flatten() {
            let seq = trace["seq"].as_u64().unwrap_or(0);
            if seq <= self.seq {
                continue;
            }
            newest = newest.max(seq);
            *self.outcomes.entry(text(&trace["outcome"])).or_default() += 1;
            self.errors += u64::from(trace["status"] == "error");
            match trace["labels"][NUMBER].as_str().and_then(|number| number.parse().ok()) {
                Some(number) => traces.entry(number).or_default().push(trace),
                None => wrong.push(format!("a trace of nobody: {trace}")),
            }
        }
        self.seq = newest;
        for exchange in exchanges {
            let mine = traces.remove(&exchange.number).unwrap_or_default();
            if let Some(why) = judge(exchange, &mine) {
                wrong.push(format!("{why}; {exchange:?}"));
            }
        }
        wrong.extend(traces.into_iter().map(|(number, of)| format!("traces of no exchange, {number}: {of:?}")));
        wrong.extend(self.check_sums(proxy).await?);
        Ok(wrong)
    }

    async fn check_sums(&self, proxy: &Proxy) -> io::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let mut same = |what: &str, shown: u64, expected: u64| {
            if shown != expected {
                wrong.push(format!("{what}: {shown} are shown, {expected} have been"));
            }
        };
        let ended: u64 = self.outcomes.values().sum();
        let totals = proxy.json("/metrics/running-totals").await?;
        same("total_requests", count(&totals["total_requests"]), ended);
        same("total_errors", count(&totals["total_errors"]), self.errors);
        same("active_requests of the totals", count(&totals["active_requests"]), 0);
        let providers = totals["providers"].as_object().into_iter().flatten();
        let by_provider: u64 = providers.map(|(_, provider)| count(&provider["rollup"]["total"]["requests"])).sum();
        same("requests of all providers", by_provider, ended);
        let (_, metrics) = proxy.ask("GET", "/metrics").await?;
        let mut counters = Outcomes::new();
        for line in String::from_utf8_lossy(&metrics).lines() {
            if let Some((labels, value)) =
                line.strip_prefix("active_requests_ended_total{").and_then(|l| l.split_once("} "))
                && let Some(outcome) = labels.split("outcome=\"").nth(1).and_then(|rest| rest.split('"').next())
            {
                *counters.entry(outcome.to_owned()).or_default() += value.parse::<f64>().map_or(0, |v| v as u64);
            }
        }
        for outcome in counters.keys().chain(self.outcomes.keys()) {
            let of = |outcomes: &Outcomes| outcomes.get(outcome).copied().unwrap_or_default();
            same(&format!("active_requests_ended_total of {outcome}"), of(&counters), of(&self.outcomes));
        }
        Ok(wrong)
    }

    /// The sums, for a report.
    pub fn report(&self) -> String {
        let ended: u64 = self.outcomes.values().sum();
        let outcomes: Vec<_> = self.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        format!("{ended} requests: {}", outcomes.join(", "))
    }
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(u64::MAX)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Compares an exchange with its traces.
fn judge(exchange: &Exchange, traces: &[&Value]) -> Option<String> {
    let trace = match traces {
        [] if exchange.may_be_unknown() => return None,
        [trace] => trace,
        _ => return Some(format!("{} traces for one request", traces.len())),
    };
    let outcome = text(&trace["outcome"]);
    if !exchange.outcomes().contains(&outcome.as_str()) {
        return Some(format!("{outcome}, where {:?} would be true: {trace}", exchange.outcomes()));
    }
    let (bytes, body) = (count(&trace["response_bytes"]), exchange.answer.body.len() as u64);
    let is_whole = matches!((exchange.client, exchange.answer.ending), (Client::Reads { .. }, Ending::Whole(_)));
    if is_whole && trace["http_status"] == exchange.answer.status && bytes != body {
        return Some(format!("{bytes} bytes are shown, {body} have passed"));
    }
    None
}
