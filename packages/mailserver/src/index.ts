// The public door of the package.
