//! The reference proxy, in this process, against an upstream that is played by hand.

#[allow(unreachable_pub, reason = "the tests are its users")]
mod authority;
mod cancelling;
mod connections;
mod cuts;
mod demo;
mod ending;
mod errors;
mod fleet;
mod frames;
mod framing;
mod headers;
mod https;
mod identity;
mod inflate;
mod interim;
mod leaving;
mod limits;
mod looping;
mod methods;
mod own;
mod pages;
mod poll_together;
#[cfg(unix)]
mod process;
#[allow(unreachable_pub, reason = "the tests are its users")]
mod program;
mod providers;
mod recorded;
mod routing;
mod settings;
mod sizes;
#[allow(unreachable_pub, reason = "the tests are its users")]
mod support;
mod timeouts;
mod tls;
mod trailers;
mod tunnels;
mod usage;
