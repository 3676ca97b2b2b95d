//! Client of the transaction manager: builders and typed errors.
