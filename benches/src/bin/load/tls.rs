//! TLS between the harness's own programs: a certificate that is made for one run, and vouches for itself.

use crate::Failure;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_rustls::TlsAcceptor;

/// The file with the certificate of a run.
pub fn certificate(dir: &Path) -> PathBuf {
    dir.join("certificate.pem")
}

/// The file with its private key.
pub fn key(dir: &Path) -> PathBuf {
    dir.join("key.pem")
}

/// Makes a certificate for `host`.
pub fn make(dir: &Path, host: &str) -> Result<(), Failure> {
    let made = rcgen::generate_simple_self_signed([host.to_owned()])?;
    fs::write(certificate(dir), made.cert.pem())?;
    Ok(fs::write(key(dir), made.signing_key.serialize_pem())?)
}

/// The server's side, which speaks HTTP/1.1.
pub fn acceptor(dir: &Path) -> Result<TlsAcceptor, Failure> {
    let chain = vec![CertificateDer::from_pem_file(certificate(dir))?];
    let key = PrivateKeyDer::from_pem_file(key(dir))?;
    Ok(Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?).into())
}

/// The client's side, which trusts this certificate only.
pub fn client(dir: &Path) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate(dir))?)?;
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
