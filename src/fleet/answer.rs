//! Answers for all replicas, to the monitor's clients.

use std::time::Duration;

use http::{HeaderMap, Method, Response, StatusCode};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

#[cfg(feature = "prometheus")]
use super::common::FleetStanding;
use super::{
    calls::CallAnswer,
    handle::Fleet,
    merge::{ReplicaAnswer, merged, with_replica},
    view_json::read_fleet_event_id,
    watch::{View, Wish},
    watching::Watched,
    wire::{Content, Message},
};
#[cfg(feature = "prometheus")]
use crate::metrics::FleetHealth;
use crate::{
    monitor::{
        ContentCoding, Error, FleetAnswer, FleetRequest, FleetScope, Format, Payload, Query, ResponseBody, Route,
        Scope, Subscription, json, json_bytes, log_cancellation,
    },
    sse,
    tracker::RequestId,
};

/// The time that one replica has to answer.
const ONE: Duration = Duration::from_secs(2);
/// The time that all have.
const ALL: Duration = Duration::from_secs(1);
/// The time after which a question is sent again.
const AGAIN: Duration = Duration::from_millis(400);
/// The time within which a view of the fleet must be there.
const VIEW: Duration = Duration::from_secs(5);

impl FleetScope for Fleet {
    fn answer(&self, request: FleetRequest) -> FleetAnswer {
        let fleet = self.clone();
        Box::pin(async move { fleet.respond(request).await })
    }

    #[cfg(feature = "prometheus")]
    fn health(&self) -> FleetHealth {
        let FleetStanding { is_connected, replicas } = self.common.standing.lock().clone();
        let counts = self.counts();
        FleetHealth {
            subscribers: self.common.hubs.subscribers(),
            is_connected,
            replicas,
            messages: [counts.heard, counts.sent],
            bytes: [counts.heard_bytes, counts.sent_bytes],
            dropped: [counts.dropped, counts.unsent],
            unreadable: counts.unreadable,
            gaps: counts.gaps,
            questions: counts.questions,
            resyncs: counts.resyncs,
            mismatches: counts.mismatches,
        }
    }
}

impl Fleet {
    async fn respond(&self, request: FleetRequest) -> Result<Response<ResponseBody>, Error> {
        let watched = match request.scope {
            Scope::Replica(epoch) => self.known_replica(epoch).await?,
            Scope::Local | Scope::Fleet => Watched::Fleet,
        };
        match Route::of(&request.path) {
            Some(Route::Stream) => self.stream(watched, &request),
            Some(Route::Snapshot) => {
                let view = self.view(watched, true).await?;
                let payload = view.snapshot.unwrap_or_else(|| Payload::whole("")).for_viewer(request.can_cancel);
                Ok(encoded(&request.headers, &payload))
            }
            Some(Route::Fleet) => {
                let view = self.view(watched, false).await?;
                let mut list = view.list;
                // The brace, since one more member follows.
                list.pop();
                list.extend_from_slice(br#","counts":"#);
                json(&mut list, &self.counts());
                list.push(b'}');
                Ok(encoded(&request.headers, &Payload::whole(list)))
            }
            Some(Route::Request(id)) => self.ask_owner(&request, id).await,
            Some(Route::Totals | Route::Logs | Route::Series) => self.ask_all(&request).await,
            _ => Err(Error::no_route()),
        }
    }

    /// The rows of one replica, if it is heard.
    async fn known_replica(&self, epoch: u32) -> Result<Watched, Error> {
        let is_known = epoch == self.common.me.epoch
            || self.view(Watched::Fleet, false).await?.others.iter().any(|(known, _)| *known == epoch);
        if is_known { Ok(Watched::Replica(epoch)) } else { Err(Error::no_replica(epoch)) }
    }

    fn stream(
        &self,
        watched: Watched,
        FleetRequest { method, query, headers, can_cancel, .. }: &FleetRequest,
    ) -> Result<Response<ResponseBody>, Error> {
        let format = Query::new(Some(query)).format()?;
        let coding = ContentCoding::accepted(headers);
        let body = if method == Method::HEAD {
            ResponseBody::default()
        } else {
            ResponseBody::stream(self.subscribe(watched, format, headers, *can_cancel)?, coding)
        };
        let mut response = sse::response(body);
        coding.set_headers(response.headers_mut());
        Ok(response)
    }

    fn subscribe(
        &self,
        watched: Watched,
        format: Format,
        headers: &HeaderMap,
        can_cancel: bool,
    ) -> Result<Subscription, Error> {
        let max = self.common.monitor.get().map_or(usize::MAX, |monitor| monitor.config().max_subscribers);
        let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let seen = seen.and_then(|id| read_fleet_event_id(id, self.common.tracker.epoch()));
        let subscription = self.common.hubs.subscribe(watched, format, seen, max, can_cancel)?;
        // The task has ended, and would serve nobody.
        if self.wishes.is_closed() { Err(Error::shutting_down()) } else { Ok(subscription) }
    }

    async fn view(&self, watched: Watched, with_rows: bool) -> Result<View, Error> {
        let (told, view) = oneshot::channel();
        self.wishes.send(Wish { watched, with_rows, told }).await.map_err(|_| Error::shutting_down())?;
        match timeout(VIEW, view).await {
            Ok(Ok(view)) => Ok(view),
            _ => Err(Error::shutting_down()),
        }
    }

    /// Asks the replica that has a request.
    async fn ask_owner(
        &self,
        FleetRequest { method, path, operator, .. }: &FleetRequest,
        id: &str,
    ) -> Result<Response<ResponseBody>, Error> {
        let owner = id.parse::<RequestId>().map_err(|_| Error::no_request(id))?.epoch();
        if method != Method::DELETE {
            return self.call_owner(owner, id, Method::GET, path).await;
        }
        let by = operator.as_ref().map(|operator| format!("?by={operator}")).unwrap_or_default();
        let answer = self.call_owner(owner, id, Method::DELETE, &format!("{path}{by}")).await;
        let status = answer.as_ref().map_or_else(Error::status, Response::status);
        log_cancellation(id, operator.as_ref(), Some(owner), status);
        answer
    }

    async fn call_owner(
        &self,
        owner: u32,
        id: &str,
        method: Method,
        target: &str,
    ) -> Result<Response<ResponseBody>, Error> {
        let mut call = self.common.calls.begin([owner]);
        let message = self.call_message(call.number, &format!("{method} {target}"));
        let deadline = Instant::now() + ONE;
        let mut reached = false;
        while Instant::now() < deadline {
            reached |= self.common.outbox.deliver(self.common.topics.to(owner), message.clone()).await.is_ok();
            let until = deadline.min(Instant::now() + AGAIN);
            if let Ok(Some(CallAnswer { from, status, body })) = timeout_at(until, call.next()).await {
                let body = if status < 300 { with_replica(&body, &self.name_of(from).await) } else { body };
                let mut response = json_bytes(body);
                *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                return Ok(response);
            }
        }
        if !reached {
            return Err(Error::fleet_lost());
        }
        // Nobody of that epoch is there to have the request.
        let known = method == Method::DELETE
            || self.view(Watched::Fleet, false).await?.others.iter().any(|(epoch, _)| *epoch == owner);
        Err(if known { Error::fleet_timeout() } else { Error::no_request(id) })
    }

    async fn name_of(&self, epoch: u32) -> String {
        let view = self.view(Watched::Fleet, false).await.ok();
        let name = view.and_then(|view| view.others.into_iter().find(|(known, _)| *known == epoch));
        name.map_or_else(|| format!("{epoch:08x}"), |(_, name)| name)
    }

    fn call_message(&self, number: u64, request: &str) -> bytes::Bytes {
        let content = Content::Call { number, request: request.to_owned() };
        Message { from: self.common.me, content }.encode()
    }

    /// Asks all replicas, this one included, and puts their answers together.
    async fn ask_all(
        &self,
        FleetRequest { path, query, headers, .. }: &FleetRequest,
    ) -> Result<Response<ResponseBody>, Error> {
        let own = self.common.monitor.get().and_then(|monitor| monitor.answer_replica(&Method::GET, path, query));
        let own = own.ok_or_else(Error::no_fleet)?;
        if own.status() != StatusCode::OK {
            // The query is wrong, here as anywhere.
            return Ok(own);
        }
        let own = own.into_body().into_whole().unwrap_or_default().to_vec();
        let mut answers = vec![ReplicaAnswer { replica: self.replica().to_owned(), body: own }];

        let others = self.view(Watched::Fleet, false).await?.others;
        let name = |epoch: u32| others.iter().find(|(known, _)| *known == epoch).map(|(_, name)| name.clone());
        let mut call = self.common.calls.begin(others.iter().map(|(epoch, _)| *epoch));
        let message = self.call_message(call.number, &format!("GET {path}?{query}"));
        let deadline = Instant::now() + ALL;
        let mut left = others.len();
        while left > 0 && Instant::now() < deadline {
            for epoch in call.unanswered() {
                self.common.outbox.put(self.common.topics.to(epoch), message.clone());
            }
            let until = deadline.min(Instant::now() + AGAIN);
            while left > 0 {
                let Ok(Some(CallAnswer { from, status, body })) = timeout_at(until, call.next()).await else { break };
                left -= 1;
                let replica = name(from).unwrap_or_default();
                if status == 200 {
                    answers.push(ReplicaAnswer { replica, body });
                }
            }
        }
        let missing: Vec<String> = call.unanswered().into_iter().filter_map(name).collect();
        Ok(encoded(headers, &Payload::whole(merged(&answers, &missing, &Query::new(Some(query)))?)))
    }
}

fn encoded(client: &HeaderMap, payload: &Payload) -> Response<ResponseBody> {
    let (coding, bytes) = ContentCoding::accepted(client).encode_whole(payload);
    let mut response = json_bytes(bytes);
    coding.set_headers(response.headers_mut());
    response
}
