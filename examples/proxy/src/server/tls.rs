//! TLS for clients: the certificate and its key, read from files, and read again on SIGHUP.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::config::description::SettingsError;

/// The names of the protocols that are offered, the best first (RFC 7301).
pub(crate) const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The PEM files of a certificate, its chain included, and of its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: String,
    pub key: String,
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read or holds nothing of its kind, or the key is not the certificate's.
    fn read(&self) -> Result<TlsAcceptor, SettingsError> {
        let wrong = |name: &str, path: &str, why: &dyn fmt::Display| {
            SettingsError::new(format!("{name}={path:?}: {why}: allowed is a PEM file of {}", kind(name)))
        };
        let in_certificate = |why: &dyn fmt::Display| wrong(CERTIFICATE, &self.certificate, why);
        let in_key = |why: &dyn fmt::Display| wrong(KEY, &self.key, why);
        let chain = CertificateDer::pem_file_iter(&self.certificate).map_err(|error| in_certificate(&error))?;
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| in_certificate(&error))?;
        if chain.is_empty() {
            return Err(in_certificate(&"there is no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| in_key(&error))?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(|error| in_key(&error))?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// The settings' names, for errors.
const CERTIFICATE: &str = "PROXY_TLS_CERT";
const KEY: &str = "PROXY_TLS_KEY";

fn kind(name: &str) -> &'static str {
    if name == CERTIFICATE { "the certificate and those that vouch for it" } else { "the certificate's private key" }
}

/// The server's side of TLS. Connections that are there keep the certificate that they began with.
pub struct ServerTls {
    files: TlsFiles,
    acceptor: Mutex<TlsAcceptor>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// As [`TlsFiles`] says.
    pub fn new(files: TlsFiles) -> Result<Self, SettingsError> {
        let acceptor = Mutex::new(files.read()?);
        Ok(Self { files, acceptor })
    }

    /// Reads the files again. Ones that cannot be used change nothing; both is said in the log.
    pub fn reload(&self) {
        match self.files.read() {
            Ok(acceptor) => {
                *self.acceptor.lock().unwrap_or_else(PoisonError::into_inner) = acceptor;
                tracing::info!("the certificate has been read from {:?}", self.files.certificate);
            }
            Err(error) => tracing::error!("{error}; the certificate read before is kept"),
        }
    }

    /// Makes connections with the certificate that was read last.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
