comment on table dirty is 'What must be computed again: per point the first and last new reading of a commit, '
  'once where all points have the same; without points, a span of the whole site.';
