//! What every transaction may be told, whatever its mode.

/// The methods that set options, for a type with a field `request`.
macro_rules! options {
    () => {
        /// Waits for the end of the first pass: the answer says whether it is done, undone, or still running.
        pub fn wait_result(mut self) -> Self {
            self.request.body.wait_result = true;
            self
        }

        /// A saga: rolled back when unfinished after this time; never unless set. TCC: rolled back when its tries have not
        /// ended by then. Message: asked back when not submitted by then. 35 seconds unless set. Whole seconds, rounded up.
        pub fn timeout_to_fail(mut self, after: std::time::Duration) -> Self {
            self.request.body.timeout_to_fail = self.request.seconds("timeout_to_fail", after);
            self
        }

        /// How long one call of a branch may take, 3 seconds unless set. Then nobody knows whether it took effect, and it is
        /// called again later. Whole seconds, rounded up.
        pub fn request_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.request.body.request_timeout = self.request.seconds("request_timeout", timeout);
            self
        }

        /// The first pause before a branch is called again, 10 seconds unless set; it doubles each time. Whole seconds,
        /// rounded up.
        pub fn retry_interval(mut self, interval: std::time::Duration) -> Self {
            self.request.body.retry_interval = self.request.seconds("retry_interval", interval);
            self
        }

        /// A header of every call of a remote branch.
        pub fn branch_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.request.body.branch_headers.insert(name.into(), value.into());
            self
        }

        /// The name of the transaction.
        #[must_use]
        pub fn gid(&self) -> &str {
            &self.request.body.gid
        }
    };
}

pub(super) use options;
