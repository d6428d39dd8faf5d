//! How requests end over real hyper, HTTP/1 and HTTP/2: each with the right outcome, and the list empty again.

mod body;
mod exchange;
mod layers;
mod matrix;
