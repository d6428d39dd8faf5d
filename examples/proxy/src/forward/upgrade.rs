//! Upgrades to a WebSocket (RFC 6455, section 4): what is asked of the upstream, and what becomes of its answer.

use active_requests::tracker::{RequestHandle, RequestInfo};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::upgrade::OnUpgrade;

use crate::{
    forward::{
        hop_by_hop::{drop_hop_by_hop, elements},
        response_body::ForwardedBody,
    },
    tunnel::{Tunnels, inflate::Inflaters, relay::Tunnel},
    upstream::UpstreamBody,
};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Whether a client asks for a WebSocket. Over HTTP/2 it would do so by another method (RFC 8441), which the proxy does not offer.
pub fn is_asked<B>(request: &Request<B>) -> bool {
    let names = |name, wanted: &[u8]| elements(request.headers(), name).any(|e| e.eq_ignore_ascii_case(wanted));
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && names(header::CONNECTION, b"upgrade")
        && names(header::UPGRADE, b"websocket")
}

/// The client's end of the connection, once it has gone over, if a request asks for that.
pub fn client_end<B>(request: &mut Request<B>) -> Option<OnUpgrade> {
    is_asked(request).then(|| hyper::upgrade::on(request))
}

/// Asks the next hop for the upgrade too, or tells the client of it.
pub fn renew(headers: &mut HeaderMap) {
    headers.remove(header::TE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, WEBSOCKET);
}

/// Opens the tunnel that the upstream has agreed to, and returns the answer to the client.
pub fn open(
    client: OnUpgrade,
    response: Response<UpstreamBody>,
    row: &RequestHandle,
    tunnels: &Tunnels,
) -> Response<ForwardedBody> {
    let (mut head, upstream) = response.into_parts();
    // Held before the answer, which would end the request.
    let held = row.hold();
    row.describe(&RequestInfo::new().is_streaming(true));
    let names_model = row.row().is_some_and(|row| row.requested_model.is_empty());
    let inflaters = Inflaters::agreed(&head.headers);
    tokio::spawn(Tunnel { client, upstream, held, inflaters, names_model, place: tunnels.open() }.run());
    drop_hop_by_hop(&mut head.headers);
    renew(&mut head.headers);
    let mut response = Response::new(ForwardedBody::own(Full::default()));
    (*response.status_mut(), *response.headers_mut()) = (StatusCode::SWITCHING_PROTOCOLS, head.headers);
    response
}
