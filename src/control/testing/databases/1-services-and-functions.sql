PRAGMA application_id = 1397511491;
PRAGMA user_version = 1;
CREATE TABLE counter (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE document (
    account TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    etag TEXT NOT NULL, change INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (account, kind, key)
  ) WITHOUT ROWID;
CREATE INDEX document_change ON document (change);
CREATE TABLE usage_record (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, instance TEXT NOT NULL, function TEXT NOT NULL,
    revision TEXT NOT NULL, memory_mb INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    calls INTEGER NOT NULL, started_at INTEGER NOT NULL,
    UNIQUE (account, instance, start_ms)
  );
CREATE TABLE usage_total (
    account TEXT NOT NULL, function TEXT NOT NULL, memory_mb INTEGER NOT NULL, hour_at INTEGER NOT NULL,
    calls INTEGER NOT NULL, busy_ms INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (account, function, memory_mb, hour_at)
  ) WITHOUT ROWID;
INSERT INTO counter VALUES ('change', 9);
INSERT INTO document VALUES ('1234567890', 'customDomain', 'example.com', '6f6d3bf0b9c22611585d347e11b2273a', 9, '{"domainName":"example.com","protocol":"HTTP,HTTPS","routes":[{"path":"/a.B/*","serviceName":"svc","functionName":"fn","qualifier":"LATEST"}],"createdAt":1795867259286,"lastModifiedAt":1795867259293,"certificate":{"certName":"test","certificate":"-----BEGIN CERTIFICATE-----\nMIIBOTCB36ADAgECAhEAt/99hx4UTIkVLVB6r3CGCzAKBggqhkjOPQQDAjAPMQ0w\nCwYDVQQDEwR0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAP\nMQ0wCwYDVQQDEwR0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErYLjJ63H\n0G90gCdLLr41CgNPW5l5HstfaGfpbJEjfRFLs1GCN1FOvpwmKeKR2NvH4krNUSgT\nTJzSm9kOR2UgIqMaMBgwFgYDVR0RBA8wDYILZXhhbXBsZS5jb20wCgYIKoZIzj0E\nAwIDSQAwRgIhAIz81DXgBTm7kBPVV3yQY75kM0lO8aRz8ayqBZI3UV+GAiEAhnHk\nd5H79vVbV40S8bgkmVMaNC5AHILd70ZC9DV8kvw=\n-----END CERTIFICATE-----","privateKey":"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWGr23d0/KbKV7iPj\nU7ztiw4bKuen1732y0eybrXVBIahRANCAAStguMnrcfQb3SAJ0suvjUKA09bmXke\ny19oZ+lskSN9EUuzUYI3UU6+nCYp4pHY28fiSs1RKBNMnNKb2Q5HZSAi\n-----END PRIVATE KEY-----"}}');
INSERT INTO document VALUES ('1234567890', 'function', 'svc/fn', '234e5f4143e88c366c890a30f205212c', 7, '{"serviceName":"svc","functionName":"fn","functionId":"f2257cbb-ec99-4b65-9c90-2afd4a618a89","description":"","handler":"index.handler","memorySize":512,"diskSize":512,"timeout":61,"initializer":"","initializationTimeout":3,"caPort":9000,"instanceConcurrency":1,"instanceType":"e1","environmentVariables":{},"layers":[],"runtime":"custom","code":{"sha256":"8e40c6c963afab8a910f94c130811d02d771ba3ddd1a4fddfacf66dac0df79d1","checksum":"12338882927042550527","sizeBytes":234,"hasBootstrap":true},"revisionNumber":3,"createdAt":1795867259213,"lastModifiedAt":1795867259270}');
INSERT INTO document VALUES ('1234567890', 'service', 'svc', 'da184400ace85ca494e2aa10a1d0eac0', 2, '{"serviceName":"svc","serviceId":"4184d1f4-a47d-4688-b541-020cbb00d384","description":"new","internetAccess":true,"role":"","createdAt":1795867259164,"lastModifiedAt":1795867259205}');
INSERT INTO document VALUES ('1234567890', 'trigger', 'svc/fn/http', '250616543b95b56c0116090f09285bf6', 6, '{"serviceName":"svc","functionName":"fn","triggerName":"http","triggerId":"170f1345-59f7-4028-ac67-c5cde8c92055","triggerType":"http","description":"","sourceArn":"","invocationRole":"","qualifier":"LATEST","authType":"anonymous","methods":["GET","POST"],"disableURLInternet":false,"host":"fn-svc-dqbksavowd.local.fcapp.localhost","createdAt":1795867259256,"lastModifiedAt":1795867259263}');
INSERT INTO usage_record VALUES (1, '1234567890', 'i', 'svc/fn', 'r', 512, 0, 100, 2, 7200000);
INSERT INTO usage_total VALUES ('1234567890', 'svc/fn', 512, 7200000, 2, 100, 7200000, 7200000);
