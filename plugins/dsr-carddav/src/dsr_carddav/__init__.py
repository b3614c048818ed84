"""CardDAV: any server over HTTP (`carddav`), and the tables of sabre/dav (`sabredav-db`)."""
