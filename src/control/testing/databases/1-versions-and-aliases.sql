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
INSERT INTO counter VALUES ('change', 13);
INSERT INTO document VALUES ('1234567890', 'alias', 'svc/live', 'fe2e36750340ac7ab8f50ea629827b06', 11, '{"serviceName":"svc","aliasName":"live","versionId":"2","description":"","additionalVersionWeight":{},"resolvePolicy":"Random","previousVersionIds":["1"],"createdAt":1795867261972,"lastModifiedAt":1795867261977}');
INSERT INTO document VALUES ('1234567890', 'customDomain', 'example.com', '09c0aa4884222520aa95d77fe0fb0ed4', 13, '{"domainName":"example.com","protocol":"HTTP,HTTPS","routes":[{"path":"/a.B/*","serviceName":"svc","functionName":"fn","qualifier":"live"}],"createdAt":1795867261983,"lastModifiedAt":1795867261990,"certificate":{"certName":"test","certificate":"-----BEGIN CERTIFICATE-----\nMIIBOTCB36ADAgECAhEAt/99hx4UTIkVLVB6r3CGCzAKBggqhkjOPQQDAjAPMQ0w\nCwYDVQQDEwR0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAP\nMQ0wCwYDVQQDEwR0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErYLjJ63H\n0G90gCdLLr41CgNPW5l5HstfaGfpbJEjfRFLs1GCN1FOvpwmKeKR2NvH4krNUSgT\nTJzSm9kOR2UgIqMaMBgwFgYDVR0RBA8wDYILZXhhbXBsZS5jb20wCgYIKoZIzj0E\nAwIDSQAwRgIhAIz81DXgBTm7kBPVV3yQY75kM0lO8aRz8ayqBZI3UV+GAiEAhnHk\nd5H79vVbV40S8bgkmVMaNC5AHILd70ZC9DV8kvw=\n-----END CERTIFICATE-----","privateKey":"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWGr23d0/KbKV7iPj\nU7ztiw4bKuen1732y0eybrXVBIahRANCAAStguMnrcfQb3SAJ0suvjUKA09bmXke\ny19oZ+lskSN9EUuzUYI3UU6+nCYp4pHY28fiSs1RKBNMnNKb2Q5HZSAi\n-----END PRIVATE KEY-----"}}');
INSERT INTO document VALUES ('1234567890', 'function', 'svc/fn', '149dbb569d095d1508f57dc651f21fcc', 8, '{"serviceName":"svc","functionName":"fn","functionId":"ee6783bf-5f20-46aa-b686-7ad097b84236","description":"","handler":"index.handler","memorySize":512,"diskSize":512,"timeout":61,"initializer":"","initializationTimeout":3,"caPort":9000,"instanceConcurrency":1,"instanceType":"e1","environmentVariables":{},"layers":[],"runtime":"custom","code":{"sha256":"8e40c6c963afab8a910f94c130811d02d771ba3ddd1a4fddfacf66dac0df79d1","checksum":"12338882927042550527","sizeBytes":234,"hasBootstrap":true},"revisionNumber":3,"createdAt":1795867261701,"lastModifiedAt":1795867261921}');
INSERT INTO document VALUES ('1234567890', 'service', 'svc', '6439305b292fbc42639c34d8b2ce5916', 2, '{"serviceName":"svc","serviceId":"cd2c8960-9a21-4d04-af51-937b5d1700cc","description":"new","internetAccess":true,"role":"","createdAt":1795867261592,"lastModifiedAt":1795867261659}');
INSERT INTO document VALUES ('1234567890', 'trigger', 'svc/fn/http', '3bc97f65730b5221e6e87043b6de6e87', 6, '{"serviceName":"svc","functionName":"fn","triggerName":"http","triggerId":"20e01300-e4dc-4fb9-8a79-e4ad7bfb58eb","triggerType":"http","description":"","sourceArn":"","invocationRole":"","qualifier":"LATEST","authType":"anonymous","methods":["GET","POST"],"disableURLInternet":false,"host":"fn-svc-oyhfoianen.local.fcapp.localhost","createdAt":1795867261862,"lastModifiedAt":1795867261891}');
INSERT INTO document VALUES ('1234567890', 'version', 'svc/1', '673098a8cd14ff7c5d208a30af4d345e', 7, '{"serviceName":"svc","versionId":"1","description":"","service":{"serviceName":"svc","serviceId":"cd2c8960-9a21-4d04-af51-937b5d1700cc","description":"new","internetAccess":true,"role":"","createdAt":1795867261592,"lastModifiedAt":1795867261659},"createdAt":1795867261906,"lastModifiedAt":1795867261906}');
INSERT INTO document VALUES ('1234567890', 'version', 'svc/2', 'a0cc5a5eafcd80ef6dda3cef7fa49837', 9, '{"serviceName":"svc","versionId":"2","description":"","service":{"serviceName":"svc","serviceId":"cd2c8960-9a21-4d04-af51-937b5d1700cc","description":"new","internetAccess":true,"role":"","createdAt":1795867261592,"lastModifiedAt":1795867261659},"createdAt":1795867261939,"lastModifiedAt":1795867261939}');
INSERT INTO document VALUES ('1234567890', 'versionCounter', 'svc', '74934eea4038f21da704134977fa9b74', 9, '{"lastVersionId":2}');
INSERT INTO document VALUES ('1234567890', 'versionFunction', 'svc/1/fn', 'df9dfdffe601d89bdc0718733bfca013', 7, '{"serviceName":"svc","functionName":"fn","functionId":"ee6783bf-5f20-46aa-b686-7ad097b84236","description":"","handler":"index.handler","memorySize":512,"diskSize":512,"timeout":60,"initializer":"","initializationTimeout":3,"caPort":9000,"instanceConcurrency":1,"instanceType":"e1","environmentVariables":{},"layers":[],"runtime":"custom","code":{"sha256":"8e40c6c963afab8a910f94c130811d02d771ba3ddd1a4fddfacf66dac0df79d1","checksum":"12338882927042550527","sizeBytes":234,"hasBootstrap":true},"revisionNumber":2,"createdAt":1795867261701,"lastModifiedAt":1795867261835}');
INSERT INTO document VALUES ('1234567890', 'versionFunction', 'svc/2/fn', '98353975eb938bd9bdd0cfe58e9d3f34', 9, '{"serviceName":"svc","functionName":"fn","functionId":"ee6783bf-5f20-46aa-b686-7ad097b84236","description":"","handler":"index.handler","memorySize":512,"diskSize":512,"timeout":61,"initializer":"","initializationTimeout":3,"caPort":9000,"instanceConcurrency":1,"instanceType":"e1","environmentVariables":{},"layers":[],"runtime":"custom","code":{"sha256":"8e40c6c963afab8a910f94c130811d02d771ba3ddd1a4fddfacf66dac0df79d1","checksum":"12338882927042550527","sizeBytes":234,"hasBootstrap":true},"revisionNumber":3,"createdAt":1795867261701,"lastModifiedAt":1795867261921}');
INSERT INTO usage_record VALUES (1, '1234567890', 'i', 'svc/fn', 'r', 512, 0, 100, 2, 7200000);
INSERT INTO usage_total VALUES ('1234567890', 'svc/fn', 512, 7200000, 2, 100, 7200000, 7200000);
