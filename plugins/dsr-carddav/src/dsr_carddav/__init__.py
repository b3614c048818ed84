"""CardDAV: any server over HTTP, and the tables of sabre/dav."""
