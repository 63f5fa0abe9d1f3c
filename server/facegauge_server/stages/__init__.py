"""The stages of the pipeline that turn an encoded frame into a stream's quality."""
