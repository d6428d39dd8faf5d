//! `accept` negotiation.

use http::{HeaderMap, header};

/// A media type that a server has to offer, in lower case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MediaType {
    pub(crate) main: &'static str,
    pub(crate) sub: &'static str,
}

/// Returns how much the client would like `offered`, from 0, not at all, to 1: the weight of the closest range in its `accept` (RFC 9110,
/// section 12.5.1). Without that header everything is liked as well.
pub(crate) fn quality(headers: &HeaderMap, offered: MediaType) -> f32 {
    let mut values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if values.peek().is_none() {
        return 1.0;
    }
    let ranges = values.flat_map(|value| value.split(',')).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let is = |range: &str, name: &str| range.eq_ignore_ascii_case(name);
        let closeness = match (is(main, offered.main), is(sub, offered.sub)) {
            (true, true) => 2,
            (true, false) if sub == "*" => 1,
            (false, _) if main == "*" && sub == "*" => 0,
            _ => return None,
        };
        let weight = parts.find_map(|part| part.split_once('=').filter(|(name, _)| is(name.trim(), "q")));
        let weight = weight.map_or(1.0, |(_, weight)| weight.trim().parse().unwrap_or(0.0_f32));
        Some((closeness, weight))
    });
    // The best of several versions of one type, which are told apart by parameters.
    ranges.fold((0, 0.0), |best, range| if range >= best { range } else { best }).1
}
