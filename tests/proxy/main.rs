//! The reference proxy, in this process, against an upstream that is played by hand.

#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../../examples/proxy/main.rs"]
mod proxy;

mod demo;
mod ending;
mod errors;
mod headers;
mod identity;
mod leaving;
mod links;
mod own;
mod recorded;
mod relay;
mod routing;
mod settings;
mod sizes;
#[allow(unreachable_pub, reason = "the tests are its users")]
mod support;
mod timeouts;
mod tls;
mod usage;
