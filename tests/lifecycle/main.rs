//! How requests end over real hyper, HTTP/1 and HTTP/2: each with the right outcome, and the list empty again.

mod body;
mod errors;
mod exchange;
mod handles;
mod layers;
mod matrix;
mod panics;
