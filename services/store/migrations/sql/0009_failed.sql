grant insert on dirty to nengtan_worker;
