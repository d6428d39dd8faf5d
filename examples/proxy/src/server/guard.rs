//! Requests that a web page makes behind its reader's back.
//!
//! Without an API key, everything that reaches the port may spend the providers' keys; on loopback that is meant to be the
//! user's own programs. But a browser is one of them, and runs the pages of strangers: a page can send requests to any
//! address (and read the answers where its own name has come to stand for this address: DNS rebinding). Browsers say
//! where a request comes from, in `Origin` and `Sec-Fetch-Site`, and what name it was sent to, in `Host`.

use std::{cell::RefCell, net::IpAddr};

use active_requests::config::Value;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version, header, uri::Authority};

use crate::refusal::Refusal;

/// The header in which a browser says how the page that asks stands to the one that is asked.
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names of this proxy, besides addresses and `localhost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedHosts {
    /// None but the usual ones.
    #[default]
    Usual,
    /// Any name.
    Any,
    /// These names, without ports.
    List(Vec<String>),
}

impl Value for AllowedHosts {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        let name = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (!name.is_empty() && name.bytes().all(fits)).then_some(name)
        };
        *self =
            match text {
                "*" => Self::Any,
                _ => Self::List(text.split(',').map(name).collect::<Option<_>>().ok_or(
                    "allowed are * and names of hosts such as proxy.example, without a port, comma separated",
                )?),
            };
        Ok(())
    }

    fn text(&self) -> String {
        match self {
            Self::Usual => String::new(),
            Self::Any => "*".to_owned(),
            Self::List(names) => names.join(","),
        }
    }

    fn placeholder(&self) -> &'static str {
        "HOSTS"
    }
}

/// The host that the requests of a connection have been for, as they wrote it, once it has been let pass. Most connections name one only.
#[derive(Clone, Debug, Default)]
pub struct KnownHost(RefCell<Box<[u8]>>);

/// The longest host that is known again: each connection keeps one.
const LONGEST_KNOWN: usize = 256;

impl KnownHost {
    /// Whether all that a request says of its host is a line that has been let pass.
    fn is_of<B>(&self, request: &Request<B>) -> bool {
        let known = self.0.borrow();
        !known.is_empty() && only_line(request).is_some_and(|line| *line == **known)
    }

    fn learn<B>(&self, request: &Request<B>) {
        if let Some(line) = only_line(request).filter(|line| line.len() <= LONGEST_KNOWN) {
            *self.0.borrow_mut() = line.as_bytes().into();
        }
    }
}

/// The line `host` of a request that names its host nowhere else.
fn only_line<B>(request: &Request<B>) -> Option<&HeaderValue> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    lines.next().filter(|_| lines.next().is_none() && request.uri().authority().is_none())
}

/// Decides whether a request may be one of a web page.
#[derive(Clone, Debug)]
pub struct PageGuard {
    /// `None`: a key is asked for, which no page of a stranger has.
    hosts: Option<AllowedHosts>,
}

impl PageGuard {
    pub fn new(has_key: bool, hosts: AllowedHosts) -> Self {
        Self { hosts: (!has_key).then_some(hosts) }
    }

    /// Checks a request; `acts` says that it would be forwarded or change something. `known`: the host that its connection is known by.
    ///
    /// # Errors
    /// It does not say where it goes, goes to a name that is not this proxy's, or comes from a page of another site.
    pub fn check<B>(&self, request: &Request<B>, acts: bool, known: &KnownHost) -> Result<(), Refusal> {
        if !known.is_of(request) {
            self.check_host(request)?;
            known.learn(request);
        }
        if acts && self.hosts.as_ref().is_some_and(|hosts| hosts.is_by_another_site(request.headers())) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "Without an API key no page of another site may send requests here: set PROXY_API_KEY, or its host in PROXY_ALLOWED_HOSTS.",
            ));
        }
        Ok(())
    }

    fn check_host<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let authority = authority(request)?;
        let Some(hosts) = &self.hosts else { return Ok(()) };
        match authority.as_ref().map(Authority::host).filter(|host| !hosts.allow(host)) {
            Some(host) => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                format!(
                    "Without an API key this proxy answers to its address only, not to the name {host:?}: set PROXY_ALLOWED_HOSTS or PROXY_API_KEY."
                ),
            )),
            None => Ok(()),
        }
    }
}

impl AllowedHosts {
    fn allow(&self, host: &str) -> bool {
        // A page cannot give itself an address for a name.
        if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return true;
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        is_localhost(&host)
            || match self {
                Self::Usual => false,
                Self::Any => true,
                Self::List(names) => names.contains(&host),
            }
    }

    /// Whether a browser says that a page of another site has made the request.
    fn is_by_another_site(&self, headers: &HeaderMap) -> bool {
        // Each line counts: a browser sends one, and whoever sends more has something to hide.
        let foreign = |origin: &HeaderValue| !self.allow_origin(origin.to_str().unwrap_or_default(), headers);
        let is_cross_site = |site: &HeaderValue| site.as_bytes().eq_ignore_ascii_case(b"cross-site");
        // Programs send neither.
        if !headers.keys().any(|name| name == header::ORIGIN || name == SEC_FETCH_SITE) {
            false
        } else if headers.contains_key(header::ORIGIN) {
            headers.get_all(header::ORIGIN).iter().any(foreign)
        } else {
            headers.get_all(&SEC_FETCH_SITE).iter().any(is_cross_site)
        }
    }

    /// Whether a page of `origin` is of this machine or of an allowed name.
    fn allow_origin(&self, origin: &str, headers: &HeaderMap) -> bool {
        let Some(authority) = origin.parse::<Uri>().ok().and_then(|origin| origin.into_parts().authority) else {
            return *self == Self::Any;
        };
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let is_loopback = host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let is_here = headers.get(header::HOST).is_some_and(|here| here.as_bytes() == authority.as_str().as_bytes());
        is_loopback
            || is_here
            || is_localhost(&host)
            || match self {
                Self::Usual => false,
                Self::Any => true,
                Self::List(names) => names.contains(&host),
            }
    }
}

/// A name that stands for this machine whatever a server of names says (RFC 6761, section 6.3).
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// The host and port that a request is for, if it says so; over HTTP/1.1 it must, once (RFC 9112, section 3.2), and over HTTP/2 what it says
/// twice must agree (RFC 9113, section 8.3.1).
fn authority<B>(request: &Request<B>) -> Result<Option<Authority>, Refusal> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    let (first, second) = (lines.next(), lines.next());
    let is_missing = first.is_none() && request.version() == Version::HTTP_11;
    if is_missing || second.is_some() {
        return Err(Refusal::bad_request("A request has one line \"host\", no less and no more."));
    }
    if let Some(authority) = request.uri().authority().filter(|_| request.method() != Method::CONNECT) {
        let differs = |host: &HeaderValue| !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes());
        if request.version() == Version::HTTP_2 && first.is_some_and(differs) {
            return Err(Refusal::bad_request("\"host\" and \":authority\" name two hosts."));
        }
        return Ok(Some(authority.clone()));
    }
    let Some(value) = first else { return Ok(None) };
    let authority = value.to_str().ok().filter(|text| !text.is_empty() && !text.contains('@'));
    match authority.and_then(|text| text.parse().ok()) {
        Some(authority) => Ok(Some(authority)),
        None => Err(Refusal::bad_request("The line \"host\" holds no host.")),
    }
}
