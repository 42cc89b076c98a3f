-- A virtual meter is a formula over points and other virtual meters; its results are a series.
alter table series drop constraint series_kind_check;
alter table series add constraint series_kind_check
  check (kind in ('point', 'flow', 'node', 'residual', 'product', 'virtual'));
