//! One client's visit: a connection, or several, with exchanges on it.

use std::{io, ops::Range, sync::Arc};

use tokio::io::AsyncWriteExt;

use crate::{
    client::{Seen, http1, http2},
    draw::Draw,
    exchange::{Carrier, Exchange, PATIENCE},
    proxy::Proxy,
};

/// The most exchanges of one visit.
pub const MOST: u64 = 8;

/// See the [module](self).
#[derive(Debug)]
pub struct Visit {
    pub number: u64,
    carrier: Carrier,
    pub exchanges: Vec<Arc<Exchange>>,
    /// Bytes that are no request.
    noise: Option<Vec<u8>>,
}

impl Visit {
    /// Draws the visit of this number.
    pub fn draw(seed: u64, number: u64) -> (Self, Draw) {
        let mut draw = Draw::new(seed, number);
        let (carrier, count): (_, Range<usize>) = match draw.between(0..20) {
            0 => return (Self::noise(&mut draw, number), draw),
            1..11 => (Carrier::Http1, 1..5),
            11..13 => (Carrier::Pipelined, 2..5),
            13..16 => (Carrier::Http2 { is_alone: true }, 1..2),
            _ => (Carrier::Http2 { is_alone: false }, 2..7),
        };
        let count = draw.between(count) as u64;
        let exchanges = (0..count).map(|n| Arc::new(Exchange::draw(&mut draw, number * MOST + n, carrier))).collect();
        (Self { number, carrier, exchanges, noise: None }, draw)
    }

    fn noise(draw: &mut Draw, number: u64) -> Self {
        let bytes: &[u8] = draw.pick(&[
            b"",
            b"P",
            b"PRI * HTTP/2.0\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\xff\x09garbage garbage",
            b"POST /calm/x HTTP/1.1\r\nhost: 127.0",
            b"POST /calm/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: two\r\n\r\n{}",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            b"GET / HTTP/9.9\r\n\r\n",
            b"\0\0\0\0\r\n\r\n",
        ]);
        Self { number, carrier: Carrier::Http1, exchanges: Vec::new(), noise: Some(bytes.to_vec()) }
    }

    /// Plays it; what each client has seen.
    pub async fn play(&self, proxy: &Proxy, mut draw: Draw) -> Vec<(Seen, io::Result<()>)> {
        let played = async {
            if let Some(noise) = &self.noise {
                // Half of it without TLS where there is TLS.
                if let Ok(mut stream) = tokio::net::TcpStream::connect(proxy.address).await {
                    let _ = stream.write_all(noise).await;
                    tokio::time::sleep(std::time::Duration::from_millis(draw.between(0..5) as u64)).await;
                }
                return Vec::new();
            }
            match self.carrier {
                Carrier::Http1 => http1::in_turn(proxy, &mut draw, &self.exchanges).await,
                Carrier::Pipelined => http1::pipelined(proxy, &mut draw, &self.exchanges).await,
                Carrier::Http2 { .. } => {
                    let mut draws = Vec::new();
                    for exchange in &self.exchanges {
                        draws.push(Draw::new(draw.between(0..usize::MAX) as u64, exchange.number));
                    }
                    http2::at_once(proxy, draws, &self.exchanges).await
                }
            }
        };
        tokio::time::timeout(PATIENCE, played).await.unwrap_or_default()
    }
}
