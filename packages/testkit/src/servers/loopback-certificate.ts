// For tests on loopback only: the key is no secret. Nobody trusts it: who comes must be told to.
export const loopbackCertificate: { readonly key: string; readonly cert: string } = {
  cert: `
-----BEGIN CERTIFICATE-----
MIIBqDCCAU+gAwIBAgIUNIzUtL5L5L+tdCLA9DPvcMJtkBEwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQc210cC5leGFtcGxlLm9yZzAgFw0yNjExMjExMjI1MzlaGA8y
MTI2MTAyODEyMjUzOVowGzEZMBcGA1UEAwwQc210cC5leGFtcGxlLm9yZzBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABGihRITcplV5KvfgA8oJI1cO/XjHJ/+6/Cg2
hYcyd8GnlkN6PLBH3BHZq71i0dZ5wx9497euNmo4lfGQ+emF3DSjbzBtMB0GA1Ud
DgQWBBToWYl8TiRvdoVLXbuRRAmlGdRPoDAfBgNVHSMEGDAWgBToWYl8TiRvdoVL
XbuRRAmlGdRPoDAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQTMBGCCWxvY2FsaG9z
dIcEfwAAATAKBggqhkjOPQQDAgNHADBEAiAVTpYZAvKNeCeug+hbg6jlxAynRsGW
/s9NLDMzI6+T4gIgY/kqsMAn111vcKNt7nOrDZD9OhGIBV7ybOhP3uy4owg=
-----END CERTIFICATE-----
`,
  key: `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOtHljdFeOrUF3jxX
HrETrscghcJmoxEr+zpykjHNORahRANCAARooUSE3KZVeSr34APKCSNXDv14xyf/
uvwoNoWHMnfBp5ZDejywR9wR2au9YtHWecMfePe3rjZqOJXxkPnphdw0
-----END PRIVATE KEY-----
`,
}
