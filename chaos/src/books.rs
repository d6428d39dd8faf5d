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

/// The proxy's own account, read once everybody has gone.
#[derive(Clone, Debug)]
pub struct Shown {
    logs: Value,
    totals: Value,
    metrics: String,
}

impl Shown {
    /// Asks the proxy.
    pub async fn by(proxy: &Proxy) -> io::Result<Self> {
        Ok(Self {
            logs: proxy.json("/metrics/logs?limit_traces=2000&limit_errors=1").await?,
            totals: proxy.json("/metrics/running-totals").await?,
            metrics: String::from_utf8_lossy(&proxy.ask("GET", "/metrics").await?.1).into_owned(),
        })
    }
}

impl Books {
    /// Looks at the traces of these exchanges and at the sums since the start; what is wrong.
    pub fn check(&mut self, shown: &Shown, exchanges: &[Arc<Exchange>]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut traces: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
        let mut newest = self.seq;
        for trace in shown.logs["traces"].as_array().into_iter().flatten() {
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
        wrong.extend(self.check_sums(shown));
        wrong
    }

    fn check_sums(&self, Shown { totals, metrics, .. }: &Shown) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut same = |what: &str, shown: u64, expected: u64| {
            if shown != expected {
                wrong.push(format!("{what}: {shown} are shown, {expected} have been"));
            }
        };
        let ended: u64 = self.outcomes.values().sum();
        same("total_requests", count(&totals["total_requests"]), ended);
        same("total_errors", count(&totals["total_errors"]), self.errors);
        same("active_requests of the totals", count(&totals["active_requests"]), 0);
        let providers = totals["providers"].as_object().into_iter().flatten();
        let by_provider: u64 = providers.map(|(_, provider)| count(&provider["rollup"]["total"]["requests"])).sum();
        same("requests of all providers", by_provider, ended);
        let mut counters = Outcomes::new();
        for line in metrics.lines() {
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
        wrong
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{draw::Draw, exchange::Carrier};

    /// Three exchanges that end as drawn, and what a proxy without fault shows of them.
    fn played() -> (Vec<Arc<Exchange>>, Shown) {
        let exchanges: Vec<_> = (0..3)
            .map(|number| {
                let mut exchange = Exchange::draw(&mut Draw::new(1, number), number, Carrier::Pipelined);
                exchange.answer.ending = Ending::Whole("completed");
                exchange.answer.is_wild = false;
                Arc::new(exchange)
            })
            .collect();
        let traces: Vec<_> = exchanges.iter().map(|exchange| trace(exchange, exchange.number + 1)).collect();
        let totals = json!({
            "total_requests": 3, "total_errors": 0, "active_requests": 0,
            "providers": {"calm": {"rollup": {"total": {"requests": 3}}}},
        });
        let metrics = "active_requests_ended_total{provider=\"calm\",outcome=\"completed\"} 3\n".to_owned();
        (exchanges, Shown { logs: json!({"traces": traces}), totals, metrics })
    }

    fn trace(exchange: &Exchange, seq: u64) -> Value {
        json!({
            "seq": seq, "outcome": "completed", "status": "ok", "labels": {NUMBER: exchange.number.to_string()},
            "http_status": exchange.answer.status, "response_bytes": exchange.answer.body.len(),
        })
    }

    #[test]
    fn books_without_fault_are_passed() {
        let (exchanges, shown) = played();
        assert_eq!(Books::default().check(&shown, &exchanges), [""; 0]);
    }

    #[test]
    fn each_fault_in_the_books_is_found() {
        type Plant = fn(&mut Shown, &[Arc<Exchange>]);
        let faults: [(&str, Plant); 9] = [
            ("active_requests of the totals: 1 are shown", |shown, _| shown.totals["active_requests"] = json!(1)),
            ("total_requests: 4 are shown, 3 have been", |shown, _| shown.totals["total_requests"] = json!(4)),
            ("total_errors: 1 are shown", |shown, _| shown.totals["total_errors"] = json!(1)),
            ("requests of all providers: 2", |shown, _| {
                shown.totals["providers"]["calm"]["rollup"]["total"]["requests"] = json!(2);
            }),
            ("active_requests_ended_total of killed: 1", |shown, _| {
                shown.metrics += "active_requests_ended_total{outcome=\"killed\"} 1\n";
            }),
            ("0 traces for one request", |shown, _| drop(traces(shown).remove(0))),
            ("2 traces for one request", |shown, exchanges| traces(shown).push(trace(&exchanges[0], 4))),
            ("a trace of nobody", |shown, _| traces(shown)[0]["labels"] = json!({})),
            ("panicked, where", |shown, _| traces(shown)[0]["outcome"] = json!("panicked")),
        ];
        for (found, plant) in faults {
            let (exchanges, mut shown) = played();
            plant(&mut shown, &exchanges);
            let wrong = Books::default().check(&shown, &exchanges);
            assert!(wrong.iter().any(|why| why.contains(found)), "{found:?} is not among {wrong:?}");
        }
    }

    #[test]
    fn a_byte_that_has_not_passed_is_found() {
        let (exchanges, mut shown) = played();
        for (trace, exchange) in traces(&mut shown).iter_mut().zip(&exchanges) {
            trace["response_bytes"] = json!(exchange.answer.body.len() + 1);
        }
        let wrong = Books::default().check(&shown, &exchanges);
        assert_eq!(wrong.iter().filter(|why| why.contains("bytes are shown")).count(), 3, "{wrong:?}");
    }

    fn traces(shown: &mut Shown) -> &mut Vec<Value> {
        shown.logs["traces"].as_array_mut().expect("a list")
    }
}
