"""The values that rules ask for, each one float64, NaN where it is not known.

`live` takes them from the payload of a live event, `sums` from stored results of open periods,
`demand` from quarters of an hour, `facts` from what is known of meters and data, `service` from
what the centre knows of itself; `site` puts those of one site together.
"""
