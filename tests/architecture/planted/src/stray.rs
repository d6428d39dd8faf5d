//! Stands on no floor.
