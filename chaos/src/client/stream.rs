//! A client's connection, with TLS or without, and the ways to leave it.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::exchange::Leave;

/// The way to connect to a proxy.
#[derive(Clone)]
pub struct Dial(Option<Arc<RootCertStore>>);

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "TLS" } else { "plain" })
    }
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Dial {
    pub fn plain() -> Self {
        Self(None)
    }

    /// Makes a certificate for this host in `folder`; its file, that of its key, and how to connect to who has it.
    pub fn tls(folder: &Path, host: &str) -> io::Result<(Self, PathBuf, PathBuf)> {
        let issued = rcgen::generate_simple_self_signed([host.to_owned()]).map_err(io::Error::other)?;
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, issued.cert.pem())?;
        std::fs::write(&key, issued.signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(issued.cert.der().to_vec())).map_err(io::Error::other)?;
        Ok((Self(Some(Arc::new(roots))), certificate, key))
    }

    pub fn is_tls(&self) -> bool {
        self.0.is_some()
    }

    pub async fn connect(
        &self,
        address: SocketAddr,
        receive_buffer: Option<u32>,
        is_http2: bool,
    ) -> io::Result<Stream> {
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        let Some(roots) = &self.0 else { return Ok(Stream::Plain(stream)) };
        let mut config = ClientConfig::builder().with_root_certificates(Arc::clone(roots)).with_no_client_auth();
        config.alpn_protocols = vec![if is_http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let name = ServerName::from(address.ip());
        Ok(Stream::Tls(Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)))
    }
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Makes dropping it a reset.
    pub fn reset_when_dropped(&self) {
        let _ = SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO));
    }

    /// Leaves; after a half close it can still be read.
    pub async fn leave(&mut self, how: Leave) {
        match how {
            Leave::Close => {}
            Leave::Reset => self.reset_when_dropped(),
            Leave::HalfClose => {
                let _ = self.shutdown().await;
            }
        }
    }
}

macro_rules! forward {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Self::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        forward!(self.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        forward!(self.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self.poll_shutdown(cx))
    }
}
