grant update on dirty to nengtan_worker;
