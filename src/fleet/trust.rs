//! The certificates that an engine's server is trusted by.

use rustls::{
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};

use super::error::FleetError;

/// Reads a file of certificate authorities.
///
/// # Errors
/// It cannot be read, or has no certificate.
pub(super) fn read_authorities(path: &str) -> Result<Vec<u8>, FleetError> {
    let unusable = |reason: &dyn ToString| FleetError::CaFile { path: path.to_owned(), reason: reason.to_string() };
    let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(unusable(&"there is no certificate in it")),
        Ok(_) => Ok(pem),
        Err(error) => Err(unusable(&error)),
    }
}

/// Makes sure that the process has cryptography for TLS. Both engines' libraries take the process's own, and fail where the program is built
/// with several and has chosen none.
pub(super) fn provide_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may be first, which is as well.
        let _ = ring::default_provider().install_default();
    }
}
