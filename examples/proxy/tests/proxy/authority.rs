//! A certificate authority of our own.

use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::support::TempFile;

/// An authority, and the file that tells its name.
pub struct Authority {
    pub file: TempFile,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub struct Issued {
    pub certificate: Certificate,
    pub key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = TempFile::with(&params.self_signed(&key).unwrap().pem());
        Self { file, issuer: Issuer::new(params, key) }
    }

    pub fn issue(&self, host: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        Issued { certificate, key }
    }

    /// Connects to a server on this machine that this authority vouches for, and offers these protocols.
    pub async fn connect(&self, address: std::net::SocketAddr, protocols: &[&str]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.file.path()).unwrap()).unwrap();
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

impl Issued {
    /// The PEM files of certificate and key.
    pub fn files(&self) -> (TempFile, TempFile) {
        (TempFile::with(&self.certificate.pem()), TempFile::with(&self.key.serialize_pem()))
    }
}
