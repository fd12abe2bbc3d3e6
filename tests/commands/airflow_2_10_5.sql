-- Written by Apache Airflow 2.10.5 (SQLite): objects, users, runs of four DAGs, one of them unfinished.
BEGIN TRANSACTION;
CREATE TABLE ab_permission (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	CONSTRAINT ab_permission_pkey PRIMARY KEY (id), 
	CONSTRAINT ab_permission_name_uq UNIQUE (name)
);
INSERT INTO "ab_permission" VALUES(1,'can_edit');
INSERT INTO "ab_permission" VALUES(2,'can_read');
INSERT INTO "ab_permission" VALUES(3,'can_create');
INSERT INTO "ab_permission" VALUES(4,'can_delete');
INSERT INTO "ab_permission" VALUES(5,'menu_access');
CREATE TABLE ab_permission_view (
	id INTEGER NOT NULL, 
	permission_id INTEGER, 
	view_menu_id INTEGER, 
	CONSTRAINT ab_permission_view_pkey PRIMARY KEY (id), 
	CONSTRAINT ab_permission_view_permission_id_view_menu_id_uq UNIQUE (permission_id, view_menu_id), 
	CONSTRAINT ab_permission_view_permission_id_fkey FOREIGN KEY(permission_id) REFERENCES ab_permission (id), 
	CONSTRAINT ab_permission_view_view_menu_id_fkey FOREIGN KEY(view_menu_id) REFERENCES ab_view_menu (id)
);
INSERT INTO "ab_permission_view" VALUES(1,1,4);
INSERT INTO "ab_permission_view" VALUES(2,2,4);
INSERT INTO "ab_permission_view" VALUES(3,1,5);
INSERT INTO "ab_permission_view" VALUES(4,2,5);
INSERT INTO "ab_permission_view" VALUES(5,1,6);
INSERT INTO "ab_permission_view" VALUES(6,2,6);
INSERT INTO "ab_permission_view" VALUES(7,3,8);
INSERT INTO "ab_permission_view" VALUES(8,2,8);
INSERT INTO "ab_permission_view" VALUES(9,1,8);
INSERT INTO "ab_permission_view" VALUES(10,4,8);
INSERT INTO "ab_permission_view" VALUES(11,5,9);
INSERT INTO "ab_permission_view" VALUES(12,5,10);
INSERT INTO "ab_permission_view" VALUES(13,3,11);
INSERT INTO "ab_permission_view" VALUES(14,2,11);
INSERT INTO "ab_permission_view" VALUES(15,1,11);
INSERT INTO "ab_permission_view" VALUES(16,4,11);
INSERT INTO "ab_permission_view" VALUES(17,5,12);
INSERT INTO "ab_permission_view" VALUES(18,2,13);
INSERT INTO "ab_permission_view" VALUES(19,5,14);
INSERT INTO "ab_permission_view" VALUES(20,2,15);
INSERT INTO "ab_permission_view" VALUES(21,5,16);
INSERT INTO "ab_permission_view" VALUES(22,2,17);
INSERT INTO "ab_permission_view" VALUES(23,5,18);
INSERT INTO "ab_permission_view" VALUES(24,2,19);
INSERT INTO "ab_permission_view" VALUES(25,5,20);
INSERT INTO "ab_permission_view" VALUES(26,2,21);
INSERT INTO "ab_permission_view" VALUES(27,4,21);
INSERT INTO "ab_permission_view" VALUES(28,1,21);
INSERT INTO "ab_permission_view" VALUES(29,2,22);
INSERT INTO "ab_permission_view" VALUES(30,2,23);
INSERT INTO "ab_permission_view" VALUES(31,2,24);
INSERT INTO "ab_permission_view" VALUES(32,2,25);
INSERT INTO "ab_permission_view" VALUES(33,2,26);
INSERT INTO "ab_permission_view" VALUES(34,2,27);
INSERT INTO "ab_permission_view" VALUES(35,2,28);
INSERT INTO "ab_permission_view" VALUES(36,2,29);
INSERT INTO "ab_permission_view" VALUES(37,2,30);
INSERT INTO "ab_permission_view" VALUES(38,2,31);
INSERT INTO "ab_permission_view" VALUES(39,2,32);
INSERT INTO "ab_permission_view" VALUES(40,2,33);
INSERT INTO "ab_permission_view" VALUES(41,2,34);
INSERT INTO "ab_permission_view" VALUES(42,2,35);
INSERT INTO "ab_permission_view" VALUES(43,5,36);
INSERT INTO "ab_permission_view" VALUES(44,5,21);
INSERT INTO "ab_permission_view" VALUES(45,5,22);
INSERT INTO "ab_permission_view" VALUES(46,5,24);
INSERT INTO "ab_permission_view" VALUES(47,5,25);
INSERT INTO "ab_permission_view" VALUES(48,5,26);
INSERT INTO "ab_permission_view" VALUES(49,5,37);
INSERT INTO "ab_permission_view" VALUES(50,5,38);
INSERT INTO "ab_permission_view" VALUES(51,5,30);
INSERT INTO "ab_permission_view" VALUES(52,5,31);
INSERT INTO "ab_permission_view" VALUES(53,5,32);
INSERT INTO "ab_permission_view" VALUES(54,3,32);
INSERT INTO "ab_permission_view" VALUES(55,1,32);
INSERT INTO "ab_permission_view" VALUES(56,4,32);
INSERT INTO "ab_permission_view" VALUES(57,3,24);
INSERT INTO "ab_permission_view" VALUES(58,1,24);
INSERT INTO "ab_permission_view" VALUES(59,4,24);
INSERT INTO "ab_permission_view" VALUES(60,3,25);
INSERT INTO "ab_permission_view" VALUES(61,2,39);
INSERT INTO "ab_permission_view" VALUES(62,5,40);
INSERT INTO "ab_permission_view" VALUES(63,5,39);
INSERT INTO "ab_permission_view" VALUES(64,5,41);
INSERT INTO "ab_permission_view" VALUES(65,5,27);
INSERT INTO "ab_permission_view" VALUES(66,5,42);
INSERT INTO "ab_permission_view" VALUES(67,5,43);
INSERT INTO "ab_permission_view" VALUES(68,5,44);
INSERT INTO "ab_permission_view" VALUES(69,5,34);
INSERT INTO "ab_permission_view" VALUES(70,3,41);
INSERT INTO "ab_permission_view" VALUES(71,2,41);
INSERT INTO "ab_permission_view" VALUES(72,1,41);
INSERT INTO "ab_permission_view" VALUES(73,4,41);
INSERT INTO "ab_permission_view" VALUES(74,3,27);
INSERT INTO "ab_permission_view" VALUES(75,1,27);
INSERT INTO "ab_permission_view" VALUES(76,4,27);
INSERT INTO "ab_permission_view" VALUES(77,2,42);
INSERT INTO "ab_permission_view" VALUES(78,2,44);
INSERT INTO "ab_permission_view" VALUES(79,3,43);
INSERT INTO "ab_permission_view" VALUES(80,2,43);
INSERT INTO "ab_permission_view" VALUES(81,1,43);
INSERT INTO "ab_permission_view" VALUES(82,4,43);
INSERT INTO "ab_permission_view" VALUES(83,4,34);
INSERT INTO "ab_permission_view" VALUES(84,4,25);
INSERT INTO "ab_permission_view" VALUES(85,2,45);
INSERT INTO "ab_permission_view" VALUES(86,5,45);
INSERT INTO "ab_permission_view" VALUES(87,2,46);
INSERT INTO "ab_permission_view" VALUES(88,5,46);
INSERT INTO "ab_permission_view" VALUES(89,2,47);
INSERT INTO "ab_permission_view" VALUES(90,5,47);
INSERT INTO "ab_permission_view" VALUES(91,4,48);
INSERT INTO "ab_permission_view" VALUES(92,2,48);
INSERT INTO "ab_permission_view" VALUES(93,1,48);
INSERT INTO "ab_permission_view" VALUES(94,4,49);
INSERT INTO "ab_permission_view" VALUES(95,2,49);
INSERT INTO "ab_permission_view" VALUES(96,3,49);
INSERT INTO "ab_permission_view" VALUES(97,5,49);
INSERT INTO "ab_permission_view" VALUES(98,4,50);
INSERT INTO "ab_permission_view" VALUES(99,2,50);
INSERT INTO "ab_permission_view" VALUES(100,1,50);
INSERT INTO "ab_permission_view" VALUES(101,4,51);
INSERT INTO "ab_permission_view" VALUES(102,2,51);
INSERT INTO "ab_permission_view" VALUES(103,3,51);
INSERT INTO "ab_permission_view" VALUES(104,5,51);
INSERT INTO "ab_permission_view" VALUES(105,4,52);
INSERT INTO "ab_permission_view" VALUES(106,2,52);
INSERT INTO "ab_permission_view" VALUES(107,1,52);
INSERT INTO "ab_permission_view" VALUES(108,4,53);
INSERT INTO "ab_permission_view" VALUES(109,2,53);
INSERT INTO "ab_permission_view" VALUES(110,3,53);
INSERT INTO "ab_permission_view" VALUES(111,5,53);
INSERT INTO "ab_permission_view" VALUES(112,4,54);
INSERT INTO "ab_permission_view" VALUES(113,2,54);
INSERT INTO "ab_permission_view" VALUES(114,1,54);
INSERT INTO "ab_permission_view" VALUES(115,4,55);
INSERT INTO "ab_permission_view" VALUES(116,2,55);
INSERT INTO "ab_permission_view" VALUES(117,3,55);
INSERT INTO "ab_permission_view" VALUES(118,5,55);
CREATE TABLE ab_permission_view_role (
	id INTEGER NOT NULL, 
	permission_view_id INTEGER, 
	role_id INTEGER, 
	CONSTRAINT ab_permission_view_role_pkey PRIMARY KEY (id), 
	CONSTRAINT ab_permission_view_role_permission_view_id_role_id_uq UNIQUE (permission_view_id, role_id), 
	CONSTRAINT ab_permission_view_role_permission_view_id_fkey FOREIGN KEY(permission_view_id) REFERENCES ab_permission_view (id), 
	CONSTRAINT ab_permission_view_role_role_id_fkey FOREIGN KEY(role_id) REFERENCES ab_role (id)
);
INSERT INTO "ab_permission_view_role" VALUES(1,1,1);
INSERT INTO "ab_permission_view_role" VALUES(2,2,1);
INSERT INTO "ab_permission_view_role" VALUES(3,3,1);
INSERT INTO "ab_permission_view_role" VALUES(4,4,1);
INSERT INTO "ab_permission_view_role" VALUES(5,5,1);
INSERT INTO "ab_permission_view_role" VALUES(6,6,1);
INSERT INTO "ab_permission_view_role" VALUES(7,7,1);
INSERT INTO "ab_permission_view_role" VALUES(8,8,1);
INSERT INTO "ab_permission_view_role" VALUES(9,9,1);
INSERT INTO "ab_permission_view_role" VALUES(10,10,1);
INSERT INTO "ab_permission_view_role" VALUES(11,11,1);
INSERT INTO "ab_permission_view_role" VALUES(12,12,1);
INSERT INTO "ab_permission_view_role" VALUES(13,13,1);
INSERT INTO "ab_permission_view_role" VALUES(14,14,1);
INSERT INTO "ab_permission_view_role" VALUES(15,15,1);
INSERT INTO "ab_permission_view_role" VALUES(16,16,1);
INSERT INTO "ab_permission_view_role" VALUES(17,17,1);
INSERT INTO "ab_permission_view_role" VALUES(18,18,1);
INSERT INTO "ab_permission_view_role" VALUES(19,19,1);
INSERT INTO "ab_permission_view_role" VALUES(20,20,1);
INSERT INTO "ab_permission_view_role" VALUES(21,21,1);
INSERT INTO "ab_permission_view_role" VALUES(22,22,1);
INSERT INTO "ab_permission_view_role" VALUES(23,23,1);
INSERT INTO "ab_permission_view_role" VALUES(24,24,1);
INSERT INTO "ab_permission_view_role" VALUES(25,25,1);
INSERT INTO "ab_permission_view_role" VALUES(26,26,4);
INSERT INTO "ab_permission_view_role" VALUES(27,29,4);
INSERT INTO "ab_permission_view_role" VALUES(28,30,4);
INSERT INTO "ab_permission_view_role" VALUES(29,31,4);
INSERT INTO "ab_permission_view_role" VALUES(30,32,4);
INSERT INTO "ab_permission_view_role" VALUES(31,33,4);
INSERT INTO "ab_permission_view_role" VALUES(32,34,4);
INSERT INTO "ab_permission_view_role" VALUES(33,35,4);
INSERT INTO "ab_permission_view_role" VALUES(34,36,4);
INSERT INTO "ab_permission_view_role" VALUES(35,37,4);
INSERT INTO "ab_permission_view_role" VALUES(36,4,4);
INSERT INTO "ab_permission_view_role" VALUES(37,3,4);
INSERT INTO "ab_permission_view_role" VALUES(38,6,4);
INSERT INTO "ab_permission_view_role" VALUES(39,5,4);
INSERT INTO "ab_permission_view_role" VALUES(40,38,4);
INSERT INTO "ab_permission_view_role" VALUES(41,39,4);
INSERT INTO "ab_permission_view_role" VALUES(42,40,4);
INSERT INTO "ab_permission_view_role" VALUES(43,41,4);
INSERT INTO "ab_permission_view_role" VALUES(44,42,4);
INSERT INTO "ab_permission_view_role" VALUES(45,43,4);
INSERT INTO "ab_permission_view_role" VALUES(46,44,4);
INSERT INTO "ab_permission_view_role" VALUES(47,45,4);
INSERT INTO "ab_permission_view_role" VALUES(48,46,4);
INSERT INTO "ab_permission_view_role" VALUES(49,47,4);
INSERT INTO "ab_permission_view_role" VALUES(50,48,4);
INSERT INTO "ab_permission_view_role" VALUES(51,49,4);
INSERT INTO "ab_permission_view_role" VALUES(52,50,4);
INSERT INTO "ab_permission_view_role" VALUES(53,51,4);
INSERT INTO "ab_permission_view_role" VALUES(54,52,4);
INSERT INTO "ab_permission_view_role" VALUES(55,53,4);
INSERT INTO "ab_permission_view_role" VALUES(56,26,5);
INSERT INTO "ab_permission_view_role" VALUES(57,29,5);
INSERT INTO "ab_permission_view_role" VALUES(58,30,5);
INSERT INTO "ab_permission_view_role" VALUES(59,31,5);
INSERT INTO "ab_permission_view_role" VALUES(60,32,5);
INSERT INTO "ab_permission_view_role" VALUES(61,33,5);
INSERT INTO "ab_permission_view_role" VALUES(62,34,5);
INSERT INTO "ab_permission_view_role" VALUES(63,35,5);
INSERT INTO "ab_permission_view_role" VALUES(64,36,5);
INSERT INTO "ab_permission_view_role" VALUES(65,37,5);
INSERT INTO "ab_permission_view_role" VALUES(66,4,5);
INSERT INTO "ab_permission_view_role" VALUES(67,3,5);
INSERT INTO "ab_permission_view_role" VALUES(68,6,5);
INSERT INTO "ab_permission_view_role" VALUES(69,5,5);
INSERT INTO "ab_permission_view_role" VALUES(70,38,5);
INSERT INTO "ab_permission_view_role" VALUES(71,39,5);
INSERT INTO "ab_permission_view_role" VALUES(72,40,5);
INSERT INTO "ab_permission_view_role" VALUES(73,41,5);
INSERT INTO "ab_permission_view_role" VALUES(74,42,5);
INSERT INTO "ab_permission_view_role" VALUES(75,43,5);
INSERT INTO "ab_permission_view_role" VALUES(76,44,5);
INSERT INTO "ab_permission_view_role" VALUES(77,45,5);
INSERT INTO "ab_permission_view_role" VALUES(78,46,5);
INSERT INTO "ab_permission_view_role" VALUES(79,47,5);
INSERT INTO "ab_permission_view_role" VALUES(80,48,5);
INSERT INTO "ab_permission_view_role" VALUES(81,49,5);
INSERT INTO "ab_permission_view_role" VALUES(82,50,5);
INSERT INTO "ab_permission_view_role" VALUES(83,51,5);
INSERT INTO "ab_permission_view_role" VALUES(84,52,5);
INSERT INTO "ab_permission_view_role" VALUES(85,53,5);
INSERT INTO "ab_permission_view_role" VALUES(86,28,5);
INSERT INTO "ab_permission_view_role" VALUES(87,27,5);
INSERT INTO "ab_permission_view_role" VALUES(88,54,5);
INSERT INTO "ab_permission_view_role" VALUES(89,55,5);
INSERT INTO "ab_permission_view_role" VALUES(90,56,5);
INSERT INTO "ab_permission_view_role" VALUES(91,57,5);
INSERT INTO "ab_permission_view_role" VALUES(92,58,5);
INSERT INTO "ab_permission_view_role" VALUES(93,59,5);
INSERT INTO "ab_permission_view_role" VALUES(94,60,5);
INSERT INTO "ab_permission_view_role" VALUES(95,26,6);
INSERT INTO "ab_permission_view_role" VALUES(96,29,6);
INSERT INTO "ab_permission_view_role" VALUES(97,30,6);
INSERT INTO "ab_permission_view_role" VALUES(98,31,6);
INSERT INTO "ab_permission_view_role" VALUES(99,32,6);
INSERT INTO "ab_permission_view_role" VALUES(100,33,6);
INSERT INTO "ab_permission_view_role" VALUES(101,34,6);
INSERT INTO "ab_permission_view_role" VALUES(102,35,6);
INSERT INTO "ab_permission_view_role" VALUES(103,36,6);
INSERT INTO "ab_permission_view_role" VALUES(104,37,6);
INSERT INTO "ab_permission_view_role" VALUES(105,4,6);
INSERT INTO "ab_permission_view_role" VALUES(106,3,6);
INSERT INTO "ab_permission_view_role" VALUES(107,6,6);
INSERT INTO "ab_permission_view_role" VALUES(108,5,6);
INSERT INTO "ab_permission_view_role" VALUES(109,38,6);
INSERT INTO "ab_permission_view_role" VALUES(110,39,6);
INSERT INTO "ab_permission_view_role" VALUES(111,40,6);
INSERT INTO "ab_permission_view_role" VALUES(112,41,6);
INSERT INTO "ab_permission_view_role" VALUES(113,42,6);
INSERT INTO "ab_permission_view_role" VALUES(114,43,6);
INSERT INTO "ab_permission_view_role" VALUES(115,44,6);
INSERT INTO "ab_permission_view_role" VALUES(116,45,6);
INSERT INTO "ab_permission_view_role" VALUES(117,46,6);
INSERT INTO "ab_permission_view_role" VALUES(118,47,6);
INSERT INTO "ab_permission_view_role" VALUES(119,48,6);
INSERT INTO "ab_permission_view_role" VALUES(120,49,6);
INSERT INTO "ab_permission_view_role" VALUES(121,50,6);
INSERT INTO "ab_permission_view_role" VALUES(122,51,6);
INSERT INTO "ab_permission_view_role" VALUES(123,52,6);
INSERT INTO "ab_permission_view_role" VALUES(124,53,6);
INSERT INTO "ab_permission_view_role" VALUES(125,28,6);
INSERT INTO "ab_permission_view_role" VALUES(126,27,6);
INSERT INTO "ab_permission_view_role" VALUES(127,54,6);
INSERT INTO "ab_permission_view_role" VALUES(128,55,6);
INSERT INTO "ab_permission_view_role" VALUES(129,56,6);
INSERT INTO "ab_permission_view_role" VALUES(130,57,6);
INSERT INTO "ab_permission_view_role" VALUES(131,58,6);
INSERT INTO "ab_permission_view_role" VALUES(132,59,6);
INSERT INTO "ab_permission_view_role" VALUES(133,60,6);
INSERT INTO "ab_permission_view_role" VALUES(134,61,6);
INSERT INTO "ab_permission_view_role" VALUES(135,62,6);
INSERT INTO "ab_permission_view_role" VALUES(136,63,6);
INSERT INTO "ab_permission_view_role" VALUES(137,64,6);
INSERT INTO "ab_permission_view_role" VALUES(138,65,6);
INSERT INTO "ab_permission_view_role" VALUES(139,66,6);
INSERT INTO "ab_permission_view_role" VALUES(140,67,6);
INSERT INTO "ab_permission_view_role" VALUES(141,68,6);
INSERT INTO "ab_permission_view_role" VALUES(142,69,6);
INSERT INTO "ab_permission_view_role" VALUES(143,70,6);
INSERT INTO "ab_permission_view_role" VALUES(144,71,6);
INSERT INTO "ab_permission_view_role" VALUES(145,72,6);
INSERT INTO "ab_permission_view_role" VALUES(146,73,6);
INSERT INTO "ab_permission_view_role" VALUES(147,74,6);
INSERT INTO "ab_permission_view_role" VALUES(148,75,6);
INSERT INTO "ab_permission_view_role" VALUES(149,76,6);
INSERT INTO "ab_permission_view_role" VALUES(150,77,6);
INSERT INTO "ab_permission_view_role" VALUES(151,78,6);
INSERT INTO "ab_permission_view_role" VALUES(152,79,6);
INSERT INTO "ab_permission_view_role" VALUES(153,80,6);
INSERT INTO "ab_permission_view_role" VALUES(154,81,6);
INSERT INTO "ab_permission_view_role" VALUES(155,82,6);
INSERT INTO "ab_permission_view_role" VALUES(156,83,6);
INSERT INTO "ab_permission_view_role" VALUES(157,84,6);
INSERT INTO "ab_permission_view_role" VALUES(158,26,1);
INSERT INTO "ab_permission_view_role" VALUES(159,29,1);
INSERT INTO "ab_permission_view_role" VALUES(160,30,1);
INSERT INTO "ab_permission_view_role" VALUES(161,31,1);
INSERT INTO "ab_permission_view_role" VALUES(162,32,1);
INSERT INTO "ab_permission_view_role" VALUES(163,33,1);
INSERT INTO "ab_permission_view_role" VALUES(164,34,1);
INSERT INTO "ab_permission_view_role" VALUES(165,35,1);
INSERT INTO "ab_permission_view_role" VALUES(166,36,1);
INSERT INTO "ab_permission_view_role" VALUES(167,37,1);
INSERT INTO "ab_permission_view_role" VALUES(168,38,1);
INSERT INTO "ab_permission_view_role" VALUES(169,39,1);
INSERT INTO "ab_permission_view_role" VALUES(170,40,1);
INSERT INTO "ab_permission_view_role" VALUES(171,41,1);
INSERT INTO "ab_permission_view_role" VALUES(172,42,1);
INSERT INTO "ab_permission_view_role" VALUES(173,43,1);
INSERT INTO "ab_permission_view_role" VALUES(174,44,1);
INSERT INTO "ab_permission_view_role" VALUES(175,45,1);
INSERT INTO "ab_permission_view_role" VALUES(176,46,1);
INSERT INTO "ab_permission_view_role" VALUES(177,47,1);
INSERT INTO "ab_permission_view_role" VALUES(178,48,1);
INSERT INTO "ab_permission_view_role" VALUES(179,49,1);
INSERT INTO "ab_permission_view_role" VALUES(180,50,1);
INSERT INTO "ab_permission_view_role" VALUES(181,51,1);
INSERT INTO "ab_permission_view_role" VALUES(182,52,1);
INSERT INTO "ab_permission_view_role" VALUES(183,53,1);
INSERT INTO "ab_permission_view_role" VALUES(184,28,1);
INSERT INTO "ab_permission_view_role" VALUES(185,27,1);
INSERT INTO "ab_permission_view_role" VALUES(186,54,1);
INSERT INTO "ab_permission_view_role" VALUES(187,55,1);
INSERT INTO "ab_permission_view_role" VALUES(188,56,1);
INSERT INTO "ab_permission_view_role" VALUES(189,57,1);
INSERT INTO "ab_permission_view_role" VALUES(190,58,1);
INSERT INTO "ab_permission_view_role" VALUES(191,59,1);
INSERT INTO "ab_permission_view_role" VALUES(192,60,1);
INSERT INTO "ab_permission_view_role" VALUES(193,61,1);
INSERT INTO "ab_permission_view_role" VALUES(194,62,1);
INSERT INTO "ab_permission_view_role" VALUES(195,63,1);
INSERT INTO "ab_permission_view_role" VALUES(196,64,1);
INSERT INTO "ab_permission_view_role" VALUES(197,65,1);
INSERT INTO "ab_permission_view_role" VALUES(198,66,1);
INSERT INTO "ab_permission_view_role" VALUES(199,67,1);
INSERT INTO "ab_permission_view_role" VALUES(200,68,1);
INSERT INTO "ab_permission_view_role" VALUES(201,69,1);
INSERT INTO "ab_permission_view_role" VALUES(202,70,1);
INSERT INTO "ab_permission_view_role" VALUES(203,71,1);
INSERT INTO "ab_permission_view_role" VALUES(204,72,1);
INSERT INTO "ab_permission_view_role" VALUES(205,73,1);
INSERT INTO "ab_permission_view_role" VALUES(206,74,1);
INSERT INTO "ab_permission_view_role" VALUES(207,75,1);
INSERT INTO "ab_permission_view_role" VALUES(208,76,1);
INSERT INTO "ab_permission_view_role" VALUES(209,77,1);
INSERT INTO "ab_permission_view_role" VALUES(210,78,1);
INSERT INTO "ab_permission_view_role" VALUES(211,79,1);
INSERT INTO "ab_permission_view_role" VALUES(212,80,1);
INSERT INTO "ab_permission_view_role" VALUES(213,81,1);
INSERT INTO "ab_permission_view_role" VALUES(214,82,1);
INSERT INTO "ab_permission_view_role" VALUES(215,83,1);
INSERT INTO "ab_permission_view_role" VALUES(216,84,1);
INSERT INTO "ab_permission_view_role" VALUES(217,85,1);
INSERT INTO "ab_permission_view_role" VALUES(218,86,1);
INSERT INTO "ab_permission_view_role" VALUES(219,87,1);
INSERT INTO "ab_permission_view_role" VALUES(220,88,1);
INSERT INTO "ab_permission_view_role" VALUES(221,89,1);
INSERT INTO "ab_permission_view_role" VALUES(222,90,1);
INSERT INTO "ab_permission_view_role" VALUES(223,42,2);
CREATE TABLE ab_role (
	id INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	CONSTRAINT ab_role_pkey PRIMARY KEY (id), 
	CONSTRAINT ab_role_name_uq UNIQUE (name)
);
INSERT INTO "ab_role" VALUES(1,'Admin');
INSERT INTO "ab_role" VALUES(2,'Analyst');
INSERT INTO "ab_role" VALUES(3,'Public');
INSERT INTO "ab_role" VALUES(4,'Viewer');
INSERT INTO "ab_role" VALUES(5,'User');
INSERT INTO "ab_role" VALUES(6,'Op');
CREATE TABLE ab_user (
	id INTEGER NOT NULL, 
	first_name VARCHAR(256) NOT NULL, 
	last_name VARCHAR(256) NOT NULL, 
	username VARCHAR(512) COLLATE "NOCASE" NOT NULL, 
	password VARCHAR(256), 
	active BOOLEAN, 
	email VARCHAR(512) NOT NULL, 
	last_login DATETIME, 
	login_count INTEGER, 
	fail_login_count INTEGER, 
	created_on DATETIME, 
	changed_on DATETIME, 
	created_by_fk INTEGER, 
	changed_by_fk INTEGER, 
	CONSTRAINT ab_user_pkey PRIMARY KEY (id), 
	CONSTRAINT ab_user_username_uq UNIQUE (username), 
	CONSTRAINT ab_user_email_uq UNIQUE (email), 
	CONSTRAINT ab_user_created_by_fk_fkey FOREIGN KEY(created_by_fk) REFERENCES ab_user (id), 
	CONSTRAINT ab_user_changed_by_fk_fkey FOREIGN KEY(changed_by_fk) REFERENCES ab_user (id)
);
INSERT INTO "ab_user" VALUES(1,'Ada','Lovelace','ada','pbkdf2:sha256:260000$10FxK42CjAVLf0Dp$beabcddf01c9edc605adff64951b03ddd12a7e21a99ecfe2a12fdeb6695b0a9a',1,'ada@example.org',NULL,NULL,NULL,'2026-11-21 13:25:31.167799','2026-11-21 13:25:31.167805',NULL,NULL);
INSERT INTO "ab_user" VALUES(2,'Bob','Byte','bob','pbkdf2:sha256:260000$Mp3jdQ0FlMSfimCb$029c555cff75f1f2225a750dad2b6d28f06741fb03ae29b4cbf44e3843bbd3d9',1,'bob@example.org',NULL,NULL,NULL,'2026-11-21 13:25:48.321016','2026-11-21 13:25:48.321022',NULL,NULL);
CREATE TABLE ab_user_role (
	id INTEGER NOT NULL, 
	user_id INTEGER, 
	role_id INTEGER, 
	CONSTRAINT ab_user_role_pkey PRIMARY KEY (id), 
	CONSTRAINT ab_user_role_user_id_role_id_uq UNIQUE (user_id, role_id), 
	CONSTRAINT ab_user_role_user_id_fkey FOREIGN KEY(user_id) REFERENCES ab_user (id), 
	CONSTRAINT ab_user_role_role_id_fkey FOREIGN KEY(role_id) REFERENCES ab_role (id)
);
INSERT INTO "ab_user_role" VALUES(1,1,1);
INSERT INTO "ab_user_role" VALUES(2,2,2);
CREATE TABLE ab_view_menu (
	id INTEGER NOT NULL, 
	name VARCHAR(250) NOT NULL, 
	CONSTRAINT ab_view_menu_pkey PRIMARY KEY (id), 
	CONSTRAINT ab_view_menu_name_uq UNIQUE (name)
);
INSERT INTO "ab_view_menu" VALUES(1,'IndexView');
INSERT INTO "ab_view_menu" VALUES(2,'UtilView');
INSERT INTO "ab_view_menu" VALUES(3,'LocaleView');
INSERT INTO "ab_view_menu" VALUES(4,'Passwords');
INSERT INTO "ab_view_menu" VALUES(5,'My Password');
INSERT INTO "ab_view_menu" VALUES(6,'My Profile');
INSERT INTO "ab_view_menu" VALUES(7,'AuthDBView');
INSERT INTO "ab_view_menu" VALUES(8,'Users');
INSERT INTO "ab_view_menu" VALUES(9,'List Users');
INSERT INTO "ab_view_menu" VALUES(10,'Security');
INSERT INTO "ab_view_menu" VALUES(11,'Roles');
INSERT INTO "ab_view_menu" VALUES(12,'List Roles');
INSERT INTO "ab_view_menu" VALUES(13,'User Stats Chart');
INSERT INTO "ab_view_menu" VALUES(14,'User''s Statistics');
INSERT INTO "ab_view_menu" VALUES(15,'Permissions');
INSERT INTO "ab_view_menu" VALUES(16,'Actions');
INSERT INTO "ab_view_menu" VALUES(17,'View Menus');
INSERT INTO "ab_view_menu" VALUES(18,'Resources');
INSERT INTO "ab_view_menu" VALUES(19,'Permission Views');
INSERT INTO "ab_view_menu" VALUES(20,'Permission Pairs');
INSERT INTO "ab_view_menu" VALUES(21,'DAGs');
INSERT INTO "ab_view_menu" VALUES(22,'DAG Dependencies');
INSERT INTO "ab_view_menu" VALUES(23,'DAG Code');
INSERT INTO "ab_view_menu" VALUES(24,'DAG Runs');
INSERT INTO "ab_view_menu" VALUES(25,'Datasets');
INSERT INTO "ab_view_menu" VALUES(26,'Cluster Activity');
INSERT INTO "ab_view_menu" VALUES(27,'Pools');
INSERT INTO "ab_view_menu" VALUES(28,'ImportError');
INSERT INTO "ab_view_menu" VALUES(29,'DAG Warnings');
INSERT INTO "ab_view_menu" VALUES(30,'Jobs');
INSERT INTO "ab_view_menu" VALUES(31,'SLA Misses');
INSERT INTO "ab_view_menu" VALUES(32,'Task Instances');
INSERT INTO "ab_view_menu" VALUES(33,'Task Logs');
INSERT INTO "ab_view_menu" VALUES(34,'XComs');
INSERT INTO "ab_view_menu" VALUES(35,'Website');
INSERT INTO "ab_view_menu" VALUES(36,'Browse');
INSERT INTO "ab_view_menu" VALUES(37,'Documentation');
INSERT INTO "ab_view_menu" VALUES(38,'Docs');
INSERT INTO "ab_view_menu" VALUES(39,'Configurations');
INSERT INTO "ab_view_menu" VALUES(40,'Admin');
INSERT INTO "ab_view_menu" VALUES(41,'Connections');
INSERT INTO "ab_view_menu" VALUES(42,'Plugins');
INSERT INTO "ab_view_menu" VALUES(43,'Variables');
INSERT INTO "ab_view_menu" VALUES(44,'Providers');
INSERT INTO "ab_view_menu" VALUES(45,'Audit Logs');
INSERT INTO "ab_view_menu" VALUES(46,'Task Reschedules');
INSERT INTO "ab_view_menu" VALUES(47,'Triggers');
INSERT INTO "ab_view_menu" VALUES(48,'DAG:consume');
INSERT INTO "ab_view_menu" VALUES(49,'DAG Run:consume');
INSERT INTO "ab_view_menu" VALUES(50,'DAG:produce');
INSERT INTO "ab_view_menu" VALUES(51,'DAG Run:produce');
INSERT INTO "ab_view_menu" VALUES(52,'DAG:fails');
INSERT INTO "ab_view_menu" VALUES(53,'DAG Run:fails');
INSERT INTO "ab_view_menu" VALUES(54,'DAG:nightly');
INSERT INTO "ab_view_menu" VALUES(55,'DAG Run:nightly');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('5f2621c13b39');
CREATE TABLE connection (
	id INTEGER NOT NULL, 
	conn_id VARCHAR(250) NOT NULL, 
	conn_type VARCHAR(500) NOT NULL, 
	description VARCHAR(5000), 
	host VARCHAR(500), 
	schema VARCHAR(500), 
	login TEXT, 
	password TEXT, 
	port INTEGER, 
	is_encrypted BOOLEAN, 
	is_extra_encrypted BOOLEAN, 
	extra TEXT, 
	CONSTRAINT connection_pkey PRIMARY KEY (id), 
	CONSTRAINT connection_conn_id_uq UNIQUE (conn_id)
);
INSERT INTO "connection" VALUES(1,'wh','generic',NULL,'db.example.org',NULL,'etl','gAAAAABrAZtZArsMpvap-_FgZ3iSWOT2VOpVIOhhC4tC6qItGEFaHbFtEpk2MB8B5GNVdyfkCieVnFfHPMUT-M2Yi0tR_rqiNw==',5432,1,1,'gAAAAABrAZtZxKI_yQe1yBn1CiIFFP8_u3jWRYGuY5rgrB-Nf-3FqOdw82GFrPdA1pyZjFQYjE2SqMCuBkeUiG88_c-FfBqmNAy6SC6GVPMskqH_FO10g9A=');
INSERT INTO "connection" VALUES(2,'plain','http',NULL,'http://example.org',NULL,NULL,NULL,NULL,0,0,NULL);
CREATE TABLE dag (
	dag_id VARCHAR(250) NOT NULL, 
	root_dag_id VARCHAR(250), 
	is_paused BOOLEAN, 
	is_subdag BOOLEAN, 
	is_active BOOLEAN, 
	last_parsed_time TIMESTAMP, 
	last_pickled TIMESTAMP, 
	last_expired TIMESTAMP, 
	scheduler_lock BOOLEAN, 
	pickle_id INTEGER, 
	fileloc VARCHAR(2000), 
	processor_subdir VARCHAR(2000), 
	owners VARCHAR(2000), 
	dag_display_name VARCHAR(2000), 
	description TEXT, 
	default_view VARCHAR(25), 
	schedule_interval TEXT, 
	timetable_description VARCHAR(1000), 
	dataset_expression JSON, 
	max_active_tasks INTEGER NOT NULL, 
	max_active_runs INTEGER, 
	max_consecutive_failed_dag_runs INTEGER NOT NULL, 
	has_task_concurrency_limits BOOLEAN NOT NULL, 
	has_import_errors BOOLEAN DEFAULT '0', 
	next_dagrun TIMESTAMP, 
	next_dagrun_data_interval_start TIMESTAMP, 
	next_dagrun_data_interval_end TIMESTAMP, 
	next_dagrun_create_after TIMESTAMP, 
	CONSTRAINT dag_pkey PRIMARY KEY (dag_id)
);
INSERT INTO "dag" VALUES('consume',NULL,0,0,1,'2026-11-21 13:39:15.399460',NULL,NULL,NULL,NULL,'/dags/moved.py','/dags','airflow',NULL,NULL,'grid','"Dataset"','Triggered by datasets','{"all": ["s3://warehouse/orders"]}',16,16,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "dag" VALUES('nightly',NULL,0,0,1,'2026-11-21 13:39:15.404678',NULL,NULL,NULL,NULL,'/dags/moved.py','/dags','ops',NULL,NULL,'grid','"@daily"','At 00:00','null',16,2,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "dag" VALUES('produce',NULL,0,0,1,'2026-11-21 13:39:15.407725',NULL,NULL,NULL,NULL,'/dags/moved.py','/dags','airflow',NULL,NULL,'grid','null','Never, external triggers only','null',16,16,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "dag" VALUES('fails',NULL,0,0,1,'2026-11-21 13:39:15.403127',NULL,NULL,NULL,NULL,'/dags/moved.py','/dags','airflow',NULL,NULL,'grid','null','Never, external triggers only','null',16,16,0,0,0,NULL,NULL,NULL,NULL);
CREATE TABLE dag_owner_attributes (
	dag_id VARCHAR(250) NOT NULL, 
	owner VARCHAR(500) NOT NULL, 
	link VARCHAR(500) NOT NULL, 
	CONSTRAINT dag_owner_attributes_pkey PRIMARY KEY (dag_id, owner), 
	CONSTRAINT "dag.dag_id" FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_run (
	id INTEGER NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	queued_at TIMESTAMP, 
	execution_date TIMESTAMP NOT NULL, 
	start_date TIMESTAMP, 
	end_date TIMESTAMP, 
	state VARCHAR(50), 
	run_id VARCHAR(250) NOT NULL, 
	creating_job_id INTEGER, 
	external_trigger BOOLEAN, 
	run_type VARCHAR(50) NOT NULL, 
	conf BLOB, 
	data_interval_start TIMESTAMP, 
	data_interval_end TIMESTAMP, 
	last_scheduling_decision TIMESTAMP, 
	dag_hash VARCHAR(32), 
	log_template_id INTEGER, 
	updated_at TIMESTAMP, 
	clear_number INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT dag_run_pkey PRIMARY KEY (id), 
	CONSTRAINT dag_run_dag_id_execution_date_key UNIQUE (dag_id, execution_date), 
	CONSTRAINT dag_run_dag_id_run_id_key UNIQUE (dag_id, run_id), 
	CONSTRAINT task_instance_log_template_id_fkey FOREIGN KEY(log_template_id) REFERENCES log_template (id) ON DELETE NO ACTION
);
INSERT INTO "dag_run" VALUES(1,'nightly','2026-11-21 13:27:18.571064','2024-01-01 00:00:00.000000','2026-11-21 13:27:18.680802','2026-11-21 13:32:10.818304','success','scheduled__2024-01-01T00:00:00+00:00',1,0,'scheduled',X'80057D942E','2024-01-01 00:00:00.000000','2024-01-02 00:00:00.000000','2026-11-21 13:32:10.807501','7dda2402d2360a3c3150c80d1a0e8887',1,'2026-11-21 13:32:10.819926',0);
INSERT INTO "dag_run" VALUES(2,'nightly','2026-11-21 13:28:06.619934','2024-01-02 00:00:00.000000','2026-11-21 13:28:06.692839','2026-11-21 13:32:48.090136','success','scheduled__2024-01-02T00:00:00+00:00',1,0,'scheduled',X'80057D942E','2024-01-02 00:00:00.000000','2024-01-03 00:00:00.000000','2026-11-21 13:32:48.082992','7dda2402d2360a3c3150c80d1a0e8887',1,'2026-11-21 13:32:48.090973',0);
INSERT INTO "dag_run" VALUES(3,'produce','2026-11-21 13:28:42.755261','2026-11-21 13:28:42.000000','2026-11-21 13:29:23.646397','2026-11-21 13:32:48.080346','success','first',NULL,1,'manual',X'80059517000000000000007D94288C0377686F948C03616461948C016E944B01752E','2026-11-21 13:28:42.000000','2026-11-21 13:28:42.000000','2026-11-21 13:32:48.078303','c67aa1bb0693503a3d674dfd817f34ff',1,'2026-11-21 13:32:48.080961',0);
INSERT INTO "dag_run" VALUES(4,'fails','2026-11-21 13:29:09.214886','2026-11-21 13:29:09.000000','2026-11-21 13:29:23.648796','2026-11-21 13:30:30.715371','failed','broken',NULL,1,'manual',X'80057D942E','2026-11-21 13:29:09.000000','2026-11-21 13:29:09.000000','2026-11-21 13:30:30.696152','145f309c7d611fa8627347808a1238ba',1,'2026-11-21 13:30:30.742326',0);
INSERT INTO "dag_run" VALUES(5,'nightly','2026-11-21 13:32:47.895322','2024-01-03 00:00:00.000000','2026-11-21 13:32:47.999796','2026-11-21 13:36:26.583007','success','scheduled__2024-01-03T00:00:00+00:00',1,0,'scheduled',X'80057D942E','2024-01-03 00:00:00.000000','2024-01-04 00:00:00.000000','2026-11-21 13:36:26.569064','7dda2402d2360a3c3150c80d1a0e8887',1,'2026-11-21 13:36:26.583891',0);
INSERT INTO "dag_run" VALUES(6,'consume','2026-11-21 13:32:47.972151','2026-11-21 13:32:45.287842','2026-11-21 13:32:48.000152','2026-11-21 13:33:57.855367','success','dataset_triggered__2026-11-21T13:32:45.287842+00:00',1,0,'dataset_triggered',X'80057D942E','2026-11-21 13:28:42.000000','2026-11-21 13:28:42.000000','2026-11-21 13:33:57.853701','da30b2905d936a89451447c52d259f2c',1,'2026-11-21 13:33:57.856236',0);
INSERT INTO "dag_run" VALUES(7,'nightly','2026-11-21 13:33:57.520871','2024-01-04 00:00:00.000000','2026-11-21 13:33:57.639568','2026-11-21 13:37:42.309962','success','scheduled__2024-01-04T00:00:00+00:00',1,0,'scheduled',X'80057D942E','2024-01-04 00:00:00.000000','2024-01-05 00:00:00.000000','2026-11-21 13:37:42.304100','7dda2402d2360a3c3150c80d1a0e8887',1,'2026-11-21 13:37:42.311250',0);
INSERT INTO "dag_run" VALUES(8,'consume','2026-11-21 13:35:40.352782','2026-11-21 13:35:40.000000','2026-11-21 13:36:26.453073','2026-11-21 13:37:52.636608','success','again',NULL,1,'manual',X'80057D942E','2026-11-21 13:35:40.000000','2026-11-21 13:35:40.000000','2026-11-21 13:37:52.634003','da30b2905d936a89451447c52d259f2c',1,'2026-11-21 13:37:52.641686',0);
INSERT INTO "dag_run" VALUES(9,'consume','2026-11-21 13:39:01.463234','2026-11-21 13:39:01.000000','2026-11-21 13:39:02.424766','2026-11-21 13:39:28.459035','success','again2',NULL,1,'manual',X'8005950F000000000000007D948C0161945D94284B014E65732E','2026-11-21 13:39:01.000000','2026-11-21 13:39:01.000000','2026-11-21 13:39:28.456271','da30b2905d936a89451447c52d259f2c',1,'2026-11-21 13:39:28.459654',0);
INSERT INTO "dag_run" VALUES(10,'fails','2026-11-21 13:39:42.688889','2026-11-21 13:39:42.000000','2026-11-21 13:39:43.026768',NULL,'running','open',NULL,1,'manual',X'80057D942E','2026-11-21 13:39:42.000000','2026-11-21 13:39:42.000000','2026-11-21 13:39:43.059423','145f309c7d611fa8627347808a1238ba',1,'2026-11-21 13:39:43.086708',0);
CREATE TABLE dag_run_note (
	user_id INTEGER, 
	dag_run_id INTEGER NOT NULL, 
	content VARCHAR(1000), 
	created_at TIMESTAMP NOT NULL, 
	updated_at TIMESTAMP NOT NULL, 
	CONSTRAINT dag_run_note_pkey PRIMARY KEY (dag_run_id), 
	CONSTRAINT dag_run_note_dr_fkey FOREIGN KEY(dag_run_id) REFERENCES dag_run (id) ON DELETE CASCADE, 
	CONSTRAINT dag_run_note_user_fkey FOREIGN KEY(user_id) REFERENCES ab_user (id)
);
INSERT INTO "dag_run_note" VALUES(1,4,'looked at it','2026-11-21 13:40:05.448707','2026-11-21 13:40:05.448726');
CREATE TABLE dag_schedule_dataset_alias_reference (
	alias_id INTEGER NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	created_at TIMESTAMP NOT NULL, 
	updated_at TIMESTAMP NOT NULL, 
	CONSTRAINT dsdar_pkey PRIMARY KEY (alias_id, dag_id), 
	CONSTRAINT dsdar_dataset_alias_fkey FOREIGN KEY(alias_id) REFERENCES dataset_alias (id) ON DELETE CASCADE, 
	CONSTRAINT dsdar_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_schedule_dataset_reference (
	dataset_id INTEGER NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	created_at TIMESTAMP NOT NULL, 
	updated_at TIMESTAMP NOT NULL, 
	CONSTRAINT dsdr_pkey PRIMARY KEY (dataset_id, dag_id), 
	CONSTRAINT dsdr_dataset_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT dsdr_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
INSERT INTO "dag_schedule_dataset_reference" VALUES(1,'consume','2026-11-21 13:26:13.120837','2026-11-21 13:26:13.120847');
CREATE TABLE dag_tag (
	name VARCHAR(100) NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	CONSTRAINT dag_tag_pkey PRIMARY KEY (name, dag_id), 
	CONSTRAINT dag_tag_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dagrun_dataset_event (
	dag_run_id INTEGER NOT NULL, 
	event_id INTEGER NOT NULL, 
	CONSTRAINT dagrun_dataset_event_pkey PRIMARY KEY (dag_run_id, event_id), 
	CONSTRAINT dagrun_dataset_event_dag_run_id_fkey FOREIGN KEY(dag_run_id) REFERENCES dag_run (id) ON DELETE CASCADE, 
	CONSTRAINT dagrun_dataset_event_event_id_fkey FOREIGN KEY(event_id) REFERENCES dataset_event (id) ON DELETE CASCADE
);
INSERT INTO "dagrun_dataset_event" VALUES(6,1);
CREATE TABLE dataset (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uri VARCHAR(3000) NOT NULL, 
	extra JSON NOT NULL, 
	created_at TIMESTAMP NOT NULL, 
	updated_at TIMESTAMP NOT NULL, 
	is_orphaned BOOLEAN DEFAULT '0' NOT NULL
);
INSERT INTO "dataset" VALUES(1,'s3://warehouse/orders','{"team": "sales"}','2026-11-21 13:26:13.108823','2026-11-21 13:39:15.418232',0);
CREATE TABLE dataset_alias (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(3000) NOT NULL
);
CREATE TABLE dataset_alias_dataset (
	alias_id INTEGER NOT NULL, 
	dataset_id INTEGER NOT NULL, 
	CONSTRAINT dataset_alias_dataset_pkey PRIMARY KEY (alias_id, dataset_id), 
	CONSTRAINT ds_dsa_alias_id FOREIGN KEY(alias_id) REFERENCES dataset_alias (id) ON DELETE CASCADE, 
	CONSTRAINT ds_dsa_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT dataset_alias_dataset_alias_id_fkey FOREIGN KEY(alias_id) REFERENCES dataset_alias (id) ON DELETE CASCADE, 
	CONSTRAINT dataset_alias_dataset_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);
CREATE TABLE dataset_alias_dataset_event (
	alias_id INTEGER NOT NULL, 
	event_id INTEGER NOT NULL, 
	CONSTRAINT dataset_alias_dataset_event_pkey PRIMARY KEY (alias_id, event_id), 
	CONSTRAINT dss_de_alias_id FOREIGN KEY(alias_id) REFERENCES dataset_alias (id) ON DELETE CASCADE, 
	CONSTRAINT dss_de_event_id FOREIGN KEY(event_id) REFERENCES dataset_event (id) ON DELETE CASCADE, 
	CONSTRAINT dataset_alias_dataset_event_alias_id_fkey FOREIGN KEY(alias_id) REFERENCES dataset_alias (id) ON DELETE CASCADE, 
	CONSTRAINT dataset_alias_dataset_event_event_id_fkey FOREIGN KEY(event_id) REFERENCES dataset_event (id) ON DELETE CASCADE
);
CREATE TABLE dataset_dag_run_queue (
	dataset_id INTEGER NOT NULL, 
	target_dag_id VARCHAR(250) NOT NULL, 
	created_at TIMESTAMP NOT NULL, 
	CONSTRAINT datasetdagrunqueue_pkey PRIMARY KEY (dataset_id, target_dag_id), 
	CONSTRAINT ddrq_dataset_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT ddrq_dag_fkey FOREIGN KEY(target_dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dataset_event (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dataset_id INTEGER NOT NULL, 
	extra JSON NOT NULL, 
	source_task_id VARCHAR(250), 
	source_dag_id VARCHAR(250), 
	source_run_id VARCHAR(250), 
	source_map_index INTEGER DEFAULT -1, 
	timestamp TIMESTAMP NOT NULL
);
INSERT INTO "dataset_event" VALUES(1,1,'{"rows": 5}','write','produce','first',-1,'2026-11-21 13:32:45.277450');
CREATE TABLE log (
	id INTEGER NOT NULL, 
	dttm TIMESTAMP, 
	dag_id VARCHAR(250), 
	task_id VARCHAR(250), 
	map_index INTEGER, 
	event VARCHAR(60), 
	execution_date TIMESTAMP, 
	run_id VARCHAR(250), 
	owner VARCHAR(500), 
	owner_display_name VARCHAR(500), 
	extra TEXT, 
	try_number INTEGER, 
	CONSTRAINT log_pkey PRIMARY KEY (id)
);
INSERT INTO "log" VALUES(1,'2026-11-21 13:23:20.735853',NULL,NULL,NULL,'cli_variables_set',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''variables'', ''set'', ''region'', ''Z\u00fcrich'', ''--description'', ''where'']"}',NULL);
INSERT INTO "log" VALUES(2,'2026-11-21 13:23:27.580099',NULL,NULL,NULL,'cli_variables_set',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''variables'', ''set'', ''limits'', ''{\"a\": 1}'', ''--json'']"}',NULL);
INSERT INTO "log" VALUES(3,'2026-11-21 13:23:36.572870',NULL,NULL,NULL,'cli_connections_add',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''connections'', ''add'', ''wh'', ''--conn-type'', ''postgres'', ''--conn-host'', ''db.example.org'', ''--conn-login'', ''etl'', ''--conn-password'', ''********'', ''--conn-port'', ''5432'', ''--conn-extra'', ''{\"sslmode\": \"require\"}'']"}',NULL);
INSERT INTO "log" VALUES(4,'2026-11-21 13:23:48.664663',NULL,NULL,NULL,'cli_connections_add',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''connections'', ''add'', ''plain'', ''--conn-type'', ''http'', ''--conn-host'', ''http://example.org'']"}',NULL);
INSERT INTO "log" VALUES(5,'2026-11-21 13:24:02.270081',NULL,NULL,NULL,'cli_pool_set',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''pools'', ''set'', ''etl'', ''3'', ''loads'', ''--include-deferred'']"}',NULL);
INSERT INTO "log" VALUES(6,'2026-11-21 13:24:13.857581',NULL,NULL,NULL,'cli_pool_set',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''pools'', ''set'', ''default_pool'', ''64'', ''bigger'']"}',NULL);
INSERT INTO "log" VALUES(7,'2026-11-21 13:24:25.412469',NULL,NULL,NULL,'cli_roles_create',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''roles'', ''create'', ''Analyst'']"}',NULL);
INSERT INTO "log" VALUES(8,'2026-11-21 13:24:41.587282',NULL,NULL,NULL,'cli_roles_add_perms',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''roles'', ''add-perms'', ''Analyst'', ''-a'', ''can_read'', ''-r'', ''Pools'']"}',NULL);
INSERT INTO "log" VALUES(9,'2026-11-21 13:24:58.800436',NULL,NULL,NULL,'cli_sync_perm',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''sync-perm'']"}',NULL);
INSERT INTO "log" VALUES(10,'2026-11-21 13:25:26.606938',NULL,NULL,NULL,'cli_users_create',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''users'', ''create'', ''-u'', ''ada'', ''-f'', ''Ada'', ''-l'', ''Lovelace'', ''-r'', ''Admin'', ''-e'', ''ada@example.org'', ''-p'', ''********'']"}',NULL);
INSERT INTO "log" VALUES(11,'2026-11-21 13:25:45.552063',NULL,NULL,NULL,'cli_users_create',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''users'', ''create'', ''-u'', ''bob'', ''-f'', ''Bob'', ''-l'', ''Byte'', ''-r'', ''Analyst'', ''-e'', ''bob@example.org'', ''-p'', ''********'']"}',NULL);
INSERT INTO "log" VALUES(12,'2026-11-21 13:26:04.822859',NULL,NULL,NULL,'cli_scheduler',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''scheduler'']"}',NULL);
INSERT INTO "log" VALUES(13,'2026-11-21 13:26:40.951317',NULL,NULL,NULL,'cli_dag_list_dags',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''list'']"}',NULL);
INSERT INTO "log" VALUES(14,'2026-11-21 13:27:16.201708','nightly',NULL,NULL,'cli_dag_unpause',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''unpause'', ''-y'', ''nightly'']"}',NULL);
INSERT INTO "log" VALUES(15,'2026-11-21 13:27:35.523034','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(16,'2026-11-21 13:27:37.172183','nightly','flaky',-1,'running','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(17,'2026-11-21 13:27:37.303850','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(18,'2026-11-21 13:27:37.980785','nightly','flaky',-1,'failed','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(19,'2026-11-21 13:27:38.290974','produce',NULL,NULL,'cli_dag_unpause',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''unpause'', ''-y'', ''produce'']"}',NULL);
INSERT INTO "log" VALUES(20,'2026-11-21 13:27:59.588460','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(21,'2026-11-21 13:28:00.994909','nightly','numbers',-1,'running','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(22,'2026-11-21 13:28:01.093589','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(23,'2026-11-21 13:28:01.195418','consume',NULL,NULL,'cli_dag_unpause',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''unpause'', ''-y'', ''consume'']"}',NULL);
INSERT INTO "log" VALUES(24,'2026-11-21 13:28:01.689055','nightly','numbers',-1,'success','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(25,'2026-11-21 13:28:20.659689','fails',NULL,NULL,'cli_dag_unpause',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''unpause'', ''-y'', ''fails'']"}',NULL);
INSERT INTO "log" VALUES(26,'2026-11-21 13:28:22.232513','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(27,'2026-11-21 13:28:23.481180','nightly','flaky',-1,'running','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(28,'2026-11-21 13:28:23.628286','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(29,'2026-11-21 13:28:24.193241','nightly','flaky',-1,'success','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(30,'2026-11-21 13:28:39.067950','produce',NULL,NULL,'cli_dag_trigger',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''trigger'', ''produce'', ''-r'', ''first'', ''--conf'', ''{\"who\": \"ada\", \"n\": 1}'']"}',NULL);
INSERT INTO "log" VALUES(31,'2026-11-21 13:28:39.084113','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(32,'2026-11-21 13:28:40.464552','nightly','flaky',-1,'running','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(33,'2026-11-21 13:28:40.581202','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(34,'2026-11-21 13:28:41.134964','nightly','flaky',-1,'failed','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(35,'2026-11-21 13:29:03.669347','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(36,'2026-11-21 13:29:04.970465','nightly','numbers',-1,'running','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(37,'2026-11-21 13:29:05.069338','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(38,'2026-11-21 13:29:05.667020','nightly','numbers',-1,'success','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(39,'2026-11-21 13:29:05.760570','fails',NULL,NULL,'cli_dag_trigger',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''trigger'', ''fails'', ''-r'', ''broken'']"}',NULL);
INSERT INTO "log" VALUES(40,'2026-11-21 13:29:18.909810','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(41,'2026-11-21 13:29:19.781248','nightly','double',0,'running','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(42,'2026-11-21 13:29:19.880755','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(43,'2026-11-21 13:29:20.317043','nightly','double',0,'success','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(44,'2026-11-21 13:29:34.913019','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(45,'2026-11-21 13:29:35.974753','nightly','flaky',-1,'running','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(46,'2026-11-21 13:29:36.049919','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(47,'2026-11-21 13:29:36.499605','nightly','flaky',-1,'success','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(48,'2026-11-21 13:29:49.265223','fails','no',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''fails'', ''no'', ''broken'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(49,'2026-11-21 13:29:50.153313','fails','no',-1,'running','2026-11-21 13:29:09.000000','broken','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(50,'2026-11-21 13:29:50.224926','fails','no',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''fails'', ''no'', ''broken'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(51,'2026-11-21 13:29:50.670216','fails','no',-1,'failed','2026-11-21 13:29:09.000000','broken','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(52,'2026-11-21 13:30:01.695968','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(53,'2026-11-21 13:30:02.447664','nightly','say',-1,'running','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(54,'2026-11-21 13:30:02.534988','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(55,'2026-11-21 13:30:02.866631','nightly','say',-1,'success','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(56,'2026-11-21 13:30:17.690030','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(57,'2026-11-21 13:30:20.486154','nightly','double',1,'running','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(58,'2026-11-21 13:30:20.762122','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(59,'2026-11-21 13:30:21.614451','nightly','double',1,'success','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(60,'2026-11-21 13:30:41.336165',NULL,NULL,NULL,'cli_variables_set',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''variables'', ''set'', ''ready'', ''yes'']"}',NULL);
INSERT INTO "log" VALUES(61,'2026-11-21 13:30:55.833182','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(62,'2026-11-21 13:30:56.849889','nightly','double',2,'running','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(63,'2026-11-21 13:30:56.999764','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-01T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(64,'2026-11-21 13:30:57.915378','nightly','double',2,'success','2024-01-01 00:00:00.000000','scheduled__2024-01-01T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(65,'2026-11-21 13:31:12.194832','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(66,'2026-11-21 13:31:13.280685','nightly','say',-1,'running','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(67,'2026-11-21 13:31:13.399588','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(68,'2026-11-21 13:31:13.974319','nightly','say',-1,'success','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(69,'2026-11-21 13:31:31.909257','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(70,'2026-11-21 13:31:32.982980','nightly','double',0,'running','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(71,'2026-11-21 13:31:33.088796','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(72,'2026-11-21 13:31:33.459555','nightly','double',0,'success','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(73,'2026-11-21 13:32:04.621705','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(74,'2026-11-21 13:32:05.863034','nightly','double',1,'running','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(75,'2026-11-21 13:32:05.984404','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(76,'2026-11-21 13:32:06.525162','nightly','double',1,'success','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(77,'2026-11-21 13:32:24.148614','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(78,'2026-11-21 13:32:26.272503','nightly','double',2,'running','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(79,'2026-11-21 13:32:26.425590','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-02T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(80,'2026-11-21 13:32:27.577684','nightly','double',2,'success','2024-01-02 00:00:00.000000','scheduled__2024-01-02T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(81,'2026-11-21 13:32:43.876718','produce','write',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''produce'', ''write'', ''first'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(82,'2026-11-21 13:32:44.672552','produce','write',-1,'running','2026-11-21 13:28:42.000000','first','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(83,'2026-11-21 13:32:44.780215','produce','write',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''produce'', ''write'', ''first'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(84,'2026-11-21 13:32:45.235941','produce','write',-1,'success','2026-11-21 13:28:42.000000','first','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(85,'2026-11-21 13:33:04.983723','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(86,'2026-11-21 13:33:06.160867','nightly','flaky',-1,'running','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(87,'2026-11-21 13:33:06.247286','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(88,'2026-11-21 13:33:06.620370','nightly','flaky',-1,'failed','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(89,'2026-11-21 13:33:18.449108','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(90,'2026-11-21 13:33:19.296041','nightly','numbers',-1,'running','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(91,'2026-11-21 13:33:19.399111','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(92,'2026-11-21 13:33:20.222945','nightly','numbers',-1,'success','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(93,'2026-11-21 13:33:49.895103','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''dataset_triggered__2026-11-21T13:32:45.287842+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(94,'2026-11-21 13:33:51.689499','consume','wait',-1,'running','2026-11-21 13:32:45.287842','dataset_triggered__2026-11-21T13:32:45.287842+00:00','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(95,'2026-11-21 13:33:51.799421','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''dataset_triggered__2026-11-21T13:32:45.287842+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(96,'2026-11-21 13:33:52.628541','consume','wait',-1,'success','2026-11-21 13:32:45.287842','dataset_triggered__2026-11-21T13:32:45.287842+00:00','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(97,'2026-11-21 13:34:19.083659','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(98,'2026-11-21 13:34:19.833246','nightly','flaky',-1,'running','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(99,'2026-11-21 13:34:19.939361','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(100,'2026-11-21 13:34:20.486291','nightly','flaky',-1,'success','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(101,'2026-11-21 13:34:41.352416','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(102,'2026-11-21 13:34:42.015156','nightly','flaky',-1,'running','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(103,'2026-11-21 13:34:42.091388','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(104,'2026-11-21 13:34:42.439798','nightly','flaky',-1,'failed','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(105,'2026-11-21 13:34:53.109300','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(106,'2026-11-21 13:34:53.700504','nightly','numbers',-1,'running','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(107,'2026-11-21 13:34:53.770489','nightly','numbers',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''numbers'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(108,'2026-11-21 13:34:54.086104','nightly','numbers',-1,'success','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(109,'2026-11-21 13:35:03.213296','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(110,'2026-11-21 13:35:04.611100','nightly','double',0,'running','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(111,'2026-11-21 13:35:04.716318','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(112,'2026-11-21 13:35:05.406868','nightly','double',0,'success','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(113,'2026-11-21 13:35:14.967316',NULL,NULL,NULL,'cli_variables_delete',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''variables'', ''delete'', ''ready'']"}',NULL);
INSERT INTO "log" VALUES(114,'2026-11-21 13:35:25.724717','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(115,'2026-11-21 13:35:27.130075','nightly','flaky',-1,'running','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(116,'2026-11-21 13:35:27.245037','nightly','flaky',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''flaky'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(117,'2026-11-21 13:35:27.899099','nightly','flaky',-1,'success','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,2);
INSERT INTO "log" VALUES(118,'2026-11-21 13:35:35.651152','consume',NULL,NULL,'cli_dag_trigger',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''trigger'', ''consume'', ''-r'', ''again'']"}',NULL);
INSERT INTO "log" VALUES(119,'2026-11-21 13:35:50.344921','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(120,'2026-11-21 13:35:52.136088','nightly','say',-1,'running','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(121,'2026-11-21 13:35:52.276456','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(122,'2026-11-21 13:35:53.016784','nightly','say',-1,'success','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(123,'2026-11-21 13:36:09.395827','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(124,'2026-11-21 13:36:10.591359','nightly','double',1,'running','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(125,'2026-11-21 13:36:10.702867','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(126,'2026-11-21 13:36:11.242487','nightly','double',1,'success','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(127,'2026-11-21 13:36:22.898022','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(128,'2026-11-21 13:36:23.468048','nightly','double',2,'running','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(129,'2026-11-21 13:36:23.534536','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-03T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(130,'2026-11-21 13:36:23.871035','nightly','double',2,'success','2024-01-03 00:00:00.000000','scheduled__2024-01-03T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(131,'2026-11-21 13:36:44.173947',NULL,NULL,NULL,'cli_variables_set',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''variables'', ''set'', ''ready'', ''yes'']"}',NULL);
INSERT INTO "log" VALUES(132,'2026-11-21 13:36:47.739957','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(133,'2026-11-21 13:36:50.074263','nightly','say',-1,'running','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(134,'2026-11-21 13:36:50.314835','nightly','say',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''say'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(135,'2026-11-21 13:36:51.374597','nightly','say',-1,'success','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(136,'2026-11-21 13:37:05.720282','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(137,'2026-11-21 13:37:06.707931','nightly','double',0,'running','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(138,'2026-11-21 13:37:06.801635','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''0'']"}',NULL);
INSERT INTO "log" VALUES(139,'2026-11-21 13:37:07.469128','nightly','double',0,'success','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(140,'2026-11-21 13:37:21.253889','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(141,'2026-11-21 13:37:22.047212','nightly','double',1,'running','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(142,'2026-11-21 13:37:22.117623','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''1'']"}',NULL);
INSERT INTO "log" VALUES(143,'2026-11-21 13:37:22.418326','nightly','double',1,'success','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(144,'2026-11-21 13:37:38.731727','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(145,'2026-11-21 13:37:39.449939','nightly','double',2,'running','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(146,'2026-11-21 13:37:39.493194','nightly','double',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''nightly'', ''double'', ''scheduled__2024-01-04T00:00:00+00:00'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'', ''--map-index'', ''2'']"}',NULL);
INSERT INTO "log" VALUES(147,'2026-11-21 13:37:39.732822','nightly','double',2,'success','2024-01-04 00:00:00.000000','scheduled__2024-01-04T00:00:00+00:00','ops',NULL,NULL,1);
INSERT INTO "log" VALUES(148,'2026-11-21 13:37:49.863681','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''again'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(149,'2026-11-21 13:37:50.552596','consume','wait',-1,'running','2026-11-21 13:35:40.000000','again','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(150,'2026-11-21 13:37:50.607514','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''again'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(151,'2026-11-21 13:37:50.963940','consume','wait',-1,'success','2026-11-21 13:35:40.000000','again','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(152,'2026-11-21 13:38:37.143511',NULL,NULL,NULL,'cli_variables_delete',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''variables'', ''delete'', ''ready'']"}',NULL);
INSERT INTO "log" VALUES(153,'2026-11-21 13:38:57.058931','consume',NULL,NULL,'cli_dag_trigger',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''trigger'', ''consume'', ''-r'', ''again2'', ''--conf'', ''{\"a\": [1, null]}'']"}',NULL);
INSERT INTO "log" VALUES(154,'2026-11-21 13:39:12.194589','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''again2'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(155,'2026-11-21 13:39:12.722159','consume','wait',-1,'running','2026-11-21 13:39:01.000000','again2','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(156,'2026-11-21 13:39:12.789269','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''again2'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(157,'2026-11-21 13:39:23.392648',NULL,NULL,NULL,'cli_variables_set',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''variables'', ''set'', ''ready'', ''yes'']"}',NULL);
INSERT INTO "log" VALUES(158,'2026-11-21 13:39:24.377134','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''again2'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(159,'2026-11-21 13:39:25.571930','consume','wait',-1,'running','2026-11-21 13:39:01.000000','again2','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(160,'2026-11-21 13:39:25.768941','consume','wait',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''consume'', ''wait'', ''again2'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(161,'2026-11-21 13:39:26.397184','consume','wait',-1,'success','2026-11-21 13:39:01.000000','again2','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(162,'2026-11-21 13:39:40.519450','fails',NULL,NULL,'cli_dag_trigger',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''dags'', ''trigger'', ''fails'', ''-r'', ''open'']"}',NULL);
INSERT INTO "log" VALUES(163,'2026-11-21 13:39:55.788335','fails','no',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''fails'', ''no'', ''open'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(164,'2026-11-21 13:39:56.531621','fails','no',-1,'running','2026-11-21 13:39:42.000000','open','airflow',NULL,NULL,1);
INSERT INTO "log" VALUES(165,'2026-11-21 13:39:56.676574','fails','no',NULL,'cli_task_run',NULL,NULL,'airflow',NULL,'{"host_name": "worker-1", "full_command": "[''airflow'', ''tasks'', ''run'', ''fails'', ''no'', ''open'', ''--local'', ''--subdir'', ''DAGS_FOLDER/moved.py'']"}',NULL);
INSERT INTO "log" VALUES(166,'2026-11-21 13:39:57.204236','fails','no',-1,'failed','2026-11-21 13:39:42.000000','open','airflow',NULL,NULL,1);
CREATE TABLE log_template (
	id INTEGER NOT NULL, 
	filename TEXT NOT NULL, 
	elasticsearch_id TEXT NOT NULL, 
	created_at TIMESTAMP NOT NULL, 
	CONSTRAINT log_template_pkey PRIMARY KEY (id)
);
INSERT INTO "log_template" VALUES(1,'dag_id={{ ti.dag_id }}/run_id={{ ti.run_id }}/task_id={{ ti.task_id }}/{% if ti.map_index >= 0 %}map_index={{ ti.map_index }}/{% endif %}attempt={{ try_number }}.log','{dag_id}-{task_id}-{run_id}-{map_index}-{try_number}','2026-11-21 13:23:12.511288');
CREATE TABLE rendered_task_instance_fields (
	dag_id VARCHAR(250) NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER DEFAULT -1 NOT NULL, 
	rendered_fields JSON NOT NULL, 
	k8s_pod_yaml JSON, 
	CONSTRAINT rendered_task_instance_fields_pkey PRIMARY KEY (dag_id, task_id, run_id, map_index), 
	CONSTRAINT rtif_ti_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE
);
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','flaky','scheduled__2024-01-01T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','numbers','scheduled__2024-01-01T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','flaky','scheduled__2024-01-02T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','numbers','scheduled__2024-01-02T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-01T00:00:00+00:00',0,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 1}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('fails','no','broken',-1,'{"bash_command": "exit 1", "env": null, "cwd": null}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','say','scheduled__2024-01-01T00:00:00+00:00',-1,'{"bash_command": "echo 2024-01-01 Z\u00fcrich", "env": null, "cwd": null}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-01T00:00:00+00:00',1,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 2}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-01T00:00:00+00:00',2,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 3}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','say','scheduled__2024-01-02T00:00:00+00:00',-1,'{"bash_command": "echo 2024-01-02 Z\u00fcrich", "env": null, "cwd": null}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-02T00:00:00+00:00',0,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 1}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-02T00:00:00+00:00',1,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 2}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-02T00:00:00+00:00',2,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 3}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('produce','write','first',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','flaky','scheduled__2024-01-03T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','numbers','scheduled__2024-01-03T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('consume','wait','dataset_triggered__2026-11-21T13:32:45.287842+00:00',-1,'{"op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','flaky','scheduled__2024-01-04T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','numbers','scheduled__2024-01-04T00:00:00+00:00',-1,'{"templates_dict": null, "op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-03T00:00:00+00:00',0,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 1}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','say','scheduled__2024-01-03T00:00:00+00:00',-1,'{"bash_command": "echo 2024-01-03 Z\u00fcrich", "env": null, "cwd": null}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-03T00:00:00+00:00',1,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 2}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-03T00:00:00+00:00',2,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 3}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','say','scheduled__2024-01-04T00:00:00+00:00',-1,'{"bash_command": "echo 2024-01-04 Z\u00fcrich", "env": null, "cwd": null}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-04T00:00:00+00:00',0,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 1}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-04T00:00:00+00:00',1,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 2}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('nightly','double','scheduled__2024-01-04T00:00:00+00:00',2,'{"templates_dict": null, "op_args": [], "op_kwargs": {"n": 3}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('consume','wait','again',-1,'{"op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('consume','wait','again2',-1,'{"op_args": [], "op_kwargs": {}}','null');
INSERT INTO "rendered_task_instance_fields" VALUES('fails','no','open',-1,'{"bash_command": "exit 1", "env": null, "cwd": null}','null');
CREATE TABLE slot_pool (
	id INTEGER NOT NULL, 
	pool VARCHAR(256), 
	slots INTEGER, 
	description TEXT, 
	include_deferred BOOLEAN NOT NULL, 
	CONSTRAINT slot_pool_pkey PRIMARY KEY (id), 
	CONSTRAINT slot_pool_pool_uq UNIQUE (pool)
);
INSERT INTO "slot_pool" VALUES(1,'default_pool',64,'bigger',0);
INSERT INTO "slot_pool" VALUES(2,'etl',3,'loads',1);
CREATE TABLE task_fail (
	id INTEGER NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER DEFAULT -1 NOT NULL, 
	start_date TIMESTAMP, 
	end_date TIMESTAMP, 
	duration INTEGER, 
	CONSTRAINT task_fail_pkey PRIMARY KEY (id), 
	CONSTRAINT task_fail_ti_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE
);
INSERT INTO "task_fail" VALUES(1,'flaky','nightly','scheduled__2024-01-01T00:00:00+00:00',-1,'2026-11-21 13:27:37.152247','2026-11-21 13:27:37.980651',0);
INSERT INTO "task_fail" VALUES(2,'flaky','nightly','scheduled__2024-01-02T00:00:00+00:00',-1,'2026-11-21 13:28:40.444015','2026-11-21 13:28:41.134804',0);
INSERT INTO "task_fail" VALUES(3,'no','fails','broken',-1,'2026-11-21 13:29:50.133558','2026-11-21 13:29:50.670003',0);
INSERT INTO "task_fail" VALUES(4,'flaky','nightly','scheduled__2024-01-03T00:00:00+00:00',-1,'2026-11-21 13:33:06.136650','2026-11-21 13:33:06.620240',0);
INSERT INTO "task_fail" VALUES(5,'flaky','nightly','scheduled__2024-01-04T00:00:00+00:00',-1,'2026-11-21 13:34:41.995025','2026-11-21 13:34:42.439688',0);
INSERT INTO "task_fail" VALUES(6,'no','fails','open',-1,'2026-11-21 13:39:56.485856','2026-11-21 13:39:57.204064',0);
CREATE TABLE task_instance (
	task_id VARCHAR(250) NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER DEFAULT -1 NOT NULL, 
	start_date TIMESTAMP, 
	end_date TIMESTAMP, 
	duration FLOAT, 
	state VARCHAR(20), 
	try_number INTEGER, 
	max_tries INTEGER DEFAULT -1, 
	hostname VARCHAR(1000), 
	unixname VARCHAR(1000), 
	job_id INTEGER, 
	pool VARCHAR(256) NOT NULL, 
	pool_slots INTEGER NOT NULL, 
	queue VARCHAR(256), 
	priority_weight INTEGER, 
	operator VARCHAR(1000), 
	custom_operator_name VARCHAR(1000), 
	queued_dttm TIMESTAMP, 
	queued_by_job_id INTEGER, 
	pid INTEGER, 
	executor VARCHAR(1000), 
	executor_config BLOB, 
	updated_at TIMESTAMP, 
	rendered_map_index VARCHAR(250), 
	external_executor_id VARCHAR(250), 
	trigger_id INTEGER, 
	trigger_timeout DATETIME, 
	next_method VARCHAR(1000), 
	next_kwargs JSON, 
	task_display_name VARCHAR(2000), 
	CONSTRAINT task_instance_pkey PRIMARY KEY (dag_id, task_id, run_id, map_index), 
	CONSTRAINT task_instance_trigger_id_fkey FOREIGN KEY(trigger_id) REFERENCES "trigger" (id) ON DELETE CASCADE, 
	CONSTRAINT task_instance_dag_run_fkey FOREIGN KEY(dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
);
INSERT INTO "task_instance" VALUES('flaky','nightly','scheduled__2024-01-01T00:00:00+00:00',-1,'2026-11-21 13:28:23.458453','2026-11-21 13:28:24.192848',0.734395,'success',2,1,'worker-1','airflow',4,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:28:06.945165',1,9359,NULL,X'80057D942E','2026-11-21 13:28:24.216170',NULL,NULL,NULL,NULL,NULL,NULL,'flaky');
INSERT INTO "task_instance" VALUES('say','nightly','scheduled__2024-01-01T00:00:00+00:00',-1,'2026-11-21 13:30:02.419345','2026-11-21 13:30:02.866345',0.447,'success',1,0,'worker-1','airflow',10,'default_pool',1,'default',1,'BashOperator',NULL,'2026-11-21 13:29:23.818417',1,10634,NULL,X'80057D942E','2026-11-21 13:30:02.901165',NULL,NULL,NULL,NULL,NULL,NULL,'say');
INSERT INTO "task_instance" VALUES('numbers','nightly','scheduled__2024-01-01T00:00:00+00:00',-1,'2026-11-21 13:28:00.971072','2026-11-21 13:28:01.688690',0.717618,'success',1,0,'worker-1','airflow',3,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:27:18.775013',1,9182,NULL,X'80057D942E','2026-11-21 13:28:01.725387',NULL,NULL,NULL,NULL,NULL,NULL,'numbers');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-01T00:00:00+00:00',0,'2026-11-21 13:29:19.760522','2026-11-21 13:29:20.316790',0.556268,'success',1,0,'worker-1','airflow',7,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:28:06.945165',1,10131,NULL,X'80057D942E','2026-11-21 13:29:20.354267',NULL,NULL,NULL,NULL,NULL,NULL,'double');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-01T00:00:00+00:00',1,'2026-11-21 13:30:20.417181','2026-11-21 13:30:21.614149',1.196968,'success',1,0,'worker-1','airflow',11,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:29:23.818417',1,11247,NULL,X'80057D942E','2026-11-21 13:30:21.625382',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-01T00:00:00+00:00',2,'2026-11-21 13:30:56.820397','2026-11-21 13:30:57.915140',1.094743,'success',1,0,'worker-1','airflow',12,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:30:30.921505',1,12085,NULL,X'80057D942E','2026-11-21 13:30:57.952726',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('flaky','nightly','scheduled__2024-01-02T00:00:00+00:00',-1,'2026-11-21 13:29:35.958836','2026-11-21 13:29:36.499229',0.540393,'success',2,1,'worker-1','airflow',8,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:29:23.818417',1,10314,NULL,X'80057D942E','2026-11-21 13:29:36.537232',NULL,NULL,NULL,NULL,NULL,NULL,'flaky');
INSERT INTO "task_instance" VALUES('say','nightly','scheduled__2024-01-02T00:00:00+00:00',-1,'2026-11-21 13:31:13.269618','2026-11-21 13:31:13.965104',0.695486,'success',1,0,'worker-1','airflow',13,'default_pool',1,'default',1,'BashOperator',NULL,'2026-11-21 13:30:30.921505',1,12386,NULL,X'80057D942E','2026-11-21 13:31:14.019055',NULL,NULL,NULL,NULL,NULL,NULL,'say');
INSERT INTO "task_instance" VALUES('numbers','nightly','scheduled__2024-01-02T00:00:00+00:00',-1,'2026-11-21 13:29:04.930580','2026-11-21 13:29:05.666759',0.736179,'success',1,0,'worker-1','airflow',6,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:28:06.945165',1,9953,NULL,X'80057D942E','2026-11-21 13:29:05.716452',NULL,NULL,NULL,NULL,NULL,NULL,'numbers');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-02T00:00:00+00:00',0,'2026-11-21 13:31:32.934521','2026-11-21 13:31:33.459273',0.524752,'success',1,0,'worker-1','airflow',14,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:30:30.921505',1,12633,NULL,X'80057D942E','2026-11-21 13:31:33.476917',NULL,NULL,NULL,NULL,NULL,NULL,'double');
INSERT INTO "task_instance" VALUES('write','produce','first',-1,'2026-11-21 13:32:44.655156','2026-11-21 13:32:45.235650',0.580494,'success',1,0,'worker-1','airflow',17,'default_pool',1,'default',1,'_PythonDecoratedOperator','@task','2026-11-21 13:32:10.902301',1,13260,NULL,X'80057D942E','2026-11-21 13:32:45.307988',NULL,NULL,NULL,NULL,NULL,NULL,'write');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-02T00:00:00+00:00',1,'2026-11-21 13:32:05.830822','2026-11-21 13:32:06.524826',0.694004,'success',1,0,'worker-1','airflow',15,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:30:30.921505',1,13028,NULL,X'80057D942E','2026-11-21 13:32:06.564605',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-02T00:00:00+00:00',2,'2026-11-21 13:32:26.218991','2026-11-21 13:32:27.556950',1.337959,'success',1,0,'worker-1','airflow',16,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:32:10.902301',1,13169,NULL,X'80057D942E','2026-11-21 13:32:27.651500',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('no','fails','broken',-1,'2026-11-21 13:29:50.133558','2026-11-21 13:29:50.670003',0.536445,'failed',1,0,'worker-1','airflow',9,'default_pool',1,'default',2,'BashOperator',NULL,'2026-11-21 13:29:23.818417',1,10490,NULL,X'80057D942E','2026-11-21 13:29:50.718930',NULL,NULL,NULL,NULL,NULL,NULL,'no');
INSERT INTO "task_instance" VALUES('after','fails','broken',-1,'2026-11-21 13:29:50.877696','2026-11-21 13:29:50.877696',0.0,'upstream_failed',0,0,'','airflow',NULL,'default_pool',1,'default',1,'EmptyOperator',NULL,NULL,NULL,NULL,NULL,X'80057D942E','2026-11-21 13:29:50.892572',NULL,NULL,NULL,NULL,NULL,NULL,'after');
INSERT INTO "task_instance" VALUES('flaky','nightly','scheduled__2024-01-03T00:00:00+00:00',-1,'2026-11-21 13:34:19.804874','2026-11-21 13:34:20.485662',0.680788,'success',2,1,'worker-1','airflow',21,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:33:57.939280',1,14739,NULL,X'80057D942E','2026-11-21 13:34:20.498182',NULL,NULL,NULL,NULL,NULL,NULL,'flaky');
INSERT INTO "task_instance" VALUES('say','nightly','scheduled__2024-01-03T00:00:00+00:00',-1,'2026-11-21 13:35:52.071695','2026-11-21 13:35:53.016168',0.944473,'success',1,0,'worker-1','airflow',26,'default_pool',1,'default',1,'BashOperator',NULL,'2026-11-21 13:35:10.963889',1,16415,NULL,X'80057D942E','2026-11-21 13:35:53.063248',NULL,NULL,NULL,NULL,NULL,NULL,'say');
INSERT INTO "task_instance" VALUES('numbers','nightly','scheduled__2024-01-03T00:00:00+00:00',-1,'2026-11-21 13:33:19.287298','2026-11-21 13:33:20.222628',0.93533,'success',1,0,'worker-1','airflow',19,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:32:48.145117',1,13559,NULL,X'80057D942E','2026-11-21 13:33:20.302988',NULL,NULL,NULL,NULL,NULL,NULL,'numbers');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-03T00:00:00+00:00',0,'2026-11-21 13:35:04.568143','2026-11-21 13:35:05.406607',0.838464,'success',1,0,'worker-1','airflow',24,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:33:57.939280',1,15472,NULL,X'80057D942E','2026-11-21 13:35:05.467293',NULL,NULL,NULL,NULL,NULL,NULL,'double');
INSERT INTO "task_instance" VALUES('read','consume','dataset_triggered__2026-11-21T13:32:45.287842+00:00',-1,'2026-11-21 13:32:48.073732','2026-11-21 13:32:48.073736',0.0,'success',1,0,'','airflow',NULL,'default_pool',1,'default',1,'EmptyOperator',NULL,NULL,NULL,NULL,NULL,X'80057D942E','2026-11-21 13:32:48.075138',NULL,NULL,NULL,NULL,NULL,NULL,'read');
INSERT INTO "task_instance" VALUES('wait','consume','dataset_triggered__2026-11-21T13:32:45.287842+00:00',-1,'2026-11-21 13:33:51.653920','2026-11-21 13:33:52.628150',0.97423,'success',1,0,'worker-1','airflow',20,'default_pool',1,'default',1,'DecoratedSensorOperator','@task.sensor','2026-11-21 13:32:48.145117',1,13887,NULL,X'80057D942E','2026-11-21 13:33:52.684740',NULL,NULL,NULL,NULL,NULL,NULL,'wait');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-03T00:00:00+00:00',1,'2026-11-21 13:36:10.543300','2026-11-21 13:36:11.242126',0.698826,'success',1,0,'worker-1','airflow',27,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:35:10.963889',1,16621,NULL,X'80057D942E','2026-11-21 13:36:11.268466',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-03T00:00:00+00:00',2,'2026-11-21 13:36:23.447690','2026-11-21 13:36:23.870599',0.422909,'success',1,0,'worker-1','airflow',28,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:35:10.963889',1,16868,NULL,X'80057D942E','2026-11-21 13:36:23.903335',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('flaky','nightly','scheduled__2024-01-04T00:00:00+00:00',-1,'2026-11-21 13:35:27.103020','2026-11-21 13:35:27.898813',0.795793,'success',2,1,'worker-1','airflow',25,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:35:10.963889',1,15737,NULL,X'80057D942E','2026-11-21 13:35:27.952827',NULL,NULL,NULL,NULL,NULL,NULL,'flaky');
INSERT INTO "task_instance" VALUES('say','nightly','scheduled__2024-01-04T00:00:00+00:00',-1,'2026-11-21 13:36:50.000382','2026-11-21 13:36:51.373949',1.373567,'success',1,0,'worker-1','airflow',29,'default_pool',1,'default',1,'BashOperator',NULL,'2026-11-21 13:36:26.676807',1,17079,NULL,X'80057D942E','2026-11-21 13:36:51.445207',NULL,NULL,NULL,NULL,NULL,NULL,'say');
INSERT INTO "task_instance" VALUES('numbers','nightly','scheduled__2024-01-04T00:00:00+00:00',-1,'2026-11-21 13:34:53.691680','2026-11-21 13:34:54.085824',0.394144,'success',1,0,'worker-1','airflow',23,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:33:57.939280',1,15331,NULL,X'80057D942E','2026-11-21 13:34:54.104672',NULL,NULL,NULL,NULL,NULL,NULL,'numbers');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-04T00:00:00+00:00',0,'2026-11-21 13:37:06.681752','2026-11-21 13:37:07.465050',0.783298,'success',1,0,'worker-1','airflow',30,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:36:26.676807',1,17385,NULL,X'80057D942E','2026-11-21 13:37:07.523242',NULL,NULL,NULL,NULL,NULL,NULL,'double');
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-04T00:00:00+00:00',1,'2026-11-21 13:37:22.024438','2026-11-21 13:37:22.417670',0.393232,'success',1,0,'worker-1','airflow',31,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:36:26.676807',1,17671,NULL,X'80057D942E','2026-11-21 13:37:22.441321',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('double','nightly','scheduled__2024-01-04T00:00:00+00:00',2,'2026-11-21 13:37:39.436342','2026-11-21 13:37:39.732521',0.296179,'success',1,0,'worker-1','airflow',32,'default_pool',1,'default',1,'_PythonDecoratedOperator',NULL,'2026-11-21 13:36:26.676807',1,17904,NULL,X'80057D942E','2026-11-21 13:37:39.751221',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_instance" VALUES('read','consume','again',-1,'2026-11-21 13:36:26.523221','2026-11-21 13:36:26.523223',0.0,'success',1,0,'','airflow',NULL,'default_pool',1,'default',1,'EmptyOperator',NULL,NULL,NULL,NULL,NULL,X'80057D942E','2026-11-21 13:36:26.533952',NULL,NULL,NULL,NULL,NULL,NULL,'read');
INSERT INTO "task_instance" VALUES('wait','consume','again',-1,'2026-11-21 13:37:50.543778','2026-11-21 13:37:50.963529',0.419751,'success',1,0,'worker-1','airflow',33,'default_pool',1,'default',1,'DecoratedSensorOperator','@task.sensor','2026-11-21 13:37:42.360251',1,17992,NULL,X'80057D942E','2026-11-21 13:37:50.987157',NULL,NULL,NULL,NULL,NULL,NULL,'wait');
INSERT INTO "task_instance" VALUES('read','consume','again2',-1,'2026-11-21 13:39:02.503564','2026-11-21 13:39:02.503573',0.0,'success',1,0,'','airflow',NULL,'default_pool',1,'default',1,'EmptyOperator',NULL,NULL,NULL,NULL,NULL,X'80057D942E','2026-11-21 13:39:02.504554',NULL,NULL,NULL,NULL,NULL,NULL,'read');
INSERT INTO "task_instance" VALUES('wait','consume','again2',-1,'2026-11-21 13:39:25.547658','2026-11-21 13:39:26.396919',0.849261,'success',1,0,'worker-1','airflow',35,'default_pool',1,'default',1,'DecoratedSensorOperator','@task.sensor','2026-11-21 13:39:15.569343',1,19737,NULL,X'80057D942E','2026-11-21 13:39:26.426726',NULL,NULL,NULL,NULL,NULL,NULL,'wait');
INSERT INTO "task_instance" VALUES('no','fails','open',-1,'2026-11-21 13:39:56.485856','2026-11-21 13:39:57.204064',0.718208,'failed',1,0,'worker-1','airflow',36,'default_pool',1,'default',2,'BashOperator',NULL,'2026-11-21 13:39:43.145125',1,19985,NULL,X'80057D942E','2026-11-21 13:39:57.255146',NULL,NULL,NULL,NULL,NULL,NULL,'no');
INSERT INTO "task_instance" VALUES('after','fails','open',-1,'2026-11-21 13:39:57.433035','2026-11-21 13:39:57.433035',0.0,'upstream_failed',0,0,'','airflow',NULL,'default_pool',1,'default',1,'EmptyOperator',NULL,NULL,NULL,NULL,NULL,X'80057D942E','2026-11-21 13:39:57.490300',NULL,NULL,NULL,NULL,NULL,NULL,'after');
CREATE TABLE task_instance_history (
	id INTEGER NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER DEFAULT -1 NOT NULL, 
	try_number INTEGER NOT NULL, 
	start_date TIMESTAMP, 
	end_date TIMESTAMP, 
	duration FLOAT, 
	state VARCHAR(20), 
	max_tries INTEGER DEFAULT -1, 
	hostname VARCHAR(1000), 
	unixname VARCHAR(1000), 
	job_id INTEGER, 
	pool VARCHAR(256) NOT NULL, 
	pool_slots INTEGER NOT NULL, 
	queue VARCHAR(256), 
	priority_weight INTEGER, 
	operator VARCHAR(1000), 
	custom_operator_name VARCHAR(1000), 
	queued_dttm TIMESTAMP, 
	queued_by_job_id INTEGER, 
	pid INTEGER, 
	executor VARCHAR(1000), 
	executor_config BLOB, 
	updated_at TIMESTAMP, 
	rendered_map_index VARCHAR(250), 
	external_executor_id VARCHAR(250), 
	trigger_id INTEGER, 
	trigger_timeout DATETIME, 
	next_method VARCHAR(1000), 
	next_kwargs JSON, 
	task_display_name VARCHAR(2000), 
	CONSTRAINT task_instance_history_pkey PRIMARY KEY (id), 
	CONSTRAINT task_instance_history_ti_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE ON UPDATE CASCADE, 
	CONSTRAINT task_instance_history_dtrt_uq UNIQUE (dag_id, task_id, run_id, map_index, try_number)
);
INSERT INTO "task_instance_history" VALUES(1,'flaky','nightly','scheduled__2024-01-01T00:00:00+00:00',-1,1,'2026-11-21 13:27:37.152247','2026-11-21 13:27:37.999999',0.847752,'failed',1,'worker-1','airflow',2,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:27:18.775013',1,8865,NULL,X'80057D942E','2026-11-21 13:27:37.576501',NULL,NULL,NULL,NULL,NULL,'null','flaky');
INSERT INTO "task_instance_history" VALUES(2,'flaky','nightly','scheduled__2024-01-02T00:00:00+00:00',-1,1,'2026-11-21 13:28:40.444015','2026-11-21 13:28:41.146331',0.702316,'failed',1,'worker-1','airflow',5,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:28:06.945165',1,9512,NULL,X'80057D942E','2026-11-21 13:28:40.858543',NULL,NULL,NULL,NULL,NULL,'null','flaky');
INSERT INTO "task_instance_history" VALUES(3,'flaky','nightly','scheduled__2024-01-03T00:00:00+00:00',-1,1,'2026-11-21 13:33:06.136650','2026-11-21 13:33:06.628703',0.492053,'failed',1,'worker-1','airflow',18,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:32:48.145117',1,13449,NULL,X'80057D942E','2026-11-21 13:33:06.411671',NULL,NULL,NULL,NULL,NULL,'null','flaky');
INSERT INTO "task_instance_history" VALUES(4,'flaky','nightly','scheduled__2024-01-04T00:00:00+00:00',-1,1,'2026-11-21 13:34:41.995025','2026-11-21 13:34:42.452890',0.457865,'failed',1,'worker-1','airflow',22,'default_pool',1,'default',2,'_PythonDecoratedOperator','@task','2026-11-21 13:33:57.939280',1,15131,NULL,X'80057D942E','2026-11-21 13:34:42.235447',NULL,NULL,NULL,NULL,NULL,'null','flaky');
CREATE TABLE task_instance_note (
	user_id INTEGER, 
	task_id VARCHAR(250) NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER NOT NULL, 
	content VARCHAR(1000), 
	created_at TIMESTAMP NOT NULL, 
	updated_at TIMESTAMP NOT NULL, 
	CONSTRAINT task_instance_note_pkey PRIMARY KEY (task_id, dag_id, run_id, map_index), 
	CONSTRAINT task_instance_note_ti_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE, 
	CONSTRAINT task_instance_note_user_fkey FOREIGN KEY(user_id) REFERENCES ab_user (id)
);
INSERT INTO "task_instance_note" VALUES(1,'no','fails','broken',-1,'exit 1','2026-11-21 13:40:05.451800','2026-11-21 13:40:05.451814');
CREATE TABLE task_map (
	dag_id VARCHAR(250) NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER NOT NULL, 
	length INTEGER NOT NULL, 
	keys JSON, 
	CONSTRAINT task_map_pkey PRIMARY KEY (dag_id, task_id, run_id, map_index), 
	CONSTRAINT ck_task_map_task_map_length_not_negative CHECK (length >= 0), 
	CONSTRAINT task_map_task_instance_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO "task_map" VALUES('nightly','numbers','scheduled__2024-01-01T00:00:00+00:00',-1,3,'null');
INSERT INTO "task_map" VALUES('nightly','numbers','scheduled__2024-01-02T00:00:00+00:00',-1,3,'null');
INSERT INTO "task_map" VALUES('nightly','numbers','scheduled__2024-01-03T00:00:00+00:00',-1,3,'null');
INSERT INTO "task_map" VALUES('nightly','numbers','scheduled__2024-01-04T00:00:00+00:00',-1,3,'null');
CREATE TABLE task_outlet_dataset_reference (
	dataset_id INTEGER NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	created_at TIMESTAMP NOT NULL, 
	updated_at TIMESTAMP NOT NULL, 
	CONSTRAINT todr_pkey PRIMARY KEY (dataset_id, dag_id, task_id), 
	CONSTRAINT todr_dataset_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT todr_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
INSERT INTO "task_outlet_dataset_reference" VALUES(1,'produce','write','2026-11-21 13:26:13.121500','2026-11-21 13:26:13.121506');
CREATE TABLE task_reschedule (
	id INTEGER NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER DEFAULT -1 NOT NULL, 
	try_number INTEGER NOT NULL, 
	start_date TIMESTAMP NOT NULL, 
	end_date TIMESTAMP NOT NULL, 
	duration INTEGER NOT NULL, 
	reschedule_date TIMESTAMP NOT NULL, 
	CONSTRAINT task_reschedule_pkey PRIMARY KEY (id), 
	CONSTRAINT task_reschedule_ti_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE, 
	CONSTRAINT task_reschedule_dr_fkey FOREIGN KEY(dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
);
INSERT INTO "task_reschedule" VALUES(1,'wait','consume','again2',-1,1,'2026-11-21 13:39:12.897109','2026-11-21 13:39:13.020891',0.123782,'2026-11-21 13:39:14.018457');
CREATE TABLE "trigger" (
	id INTEGER NOT NULL, 
	classpath VARCHAR(1000) NOT NULL, 
	kwargs TEXT NOT NULL, 
	created_date TIMESTAMP NOT NULL, 
	triggerer_id INTEGER, 
	CONSTRAINT trigger_pkey PRIMARY KEY (id)
);
CREATE TABLE variable (
	id INTEGER NOT NULL, 
	"key" VARCHAR(250), 
	val TEXT, 
	description TEXT, 
	is_encrypted BOOLEAN, 
	CONSTRAINT variable_pkey PRIMARY KEY (id), 
	CONSTRAINT variable_key_uq UNIQUE ("key")
);
INSERT INTO "variable" VALUES(1,'region','gAAAAABrAZtJR5HOga9dii7vN6xAGdC1uhUnXX-PQ8l1Ijyn9g7D3Q6LMo2Emo_0pFbslmORZ7qwTOLXaQq-gdEGG8ckEAv1gQ==','where',1);
INSERT INTO "variable" VALUES(2,'limits','gAAAAABrAZtQFsGBJANjH2vEphaxwSWeGiHD7_2gRnYMGCuf8k54QMB4r9ECyrBGpDFVsLlaGx4X0KGSNcYfTH-hQjPImA4aSg==',NULL,1);
INSERT INTO "variable" VALUES(3,'ready','gAAAAABrAZ8NXNiV0jrQTa3HehmfZzyfDf5irEOflIdxNyibTR9tnJCWR6Yr6ODIk0DeD0I9Xd9LI9kTMl49qfEOgZsmE8Whjg==',NULL,1);
CREATE TABLE xcom (
	dag_run_id INTEGER NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	map_index INTEGER DEFAULT -1 NOT NULL, 
	"key" VARCHAR(512) NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	value BLOB, 
	timestamp TIMESTAMP NOT NULL, 
	CONSTRAINT xcom_pkey PRIMARY KEY (dag_run_id, task_id, map_index, "key"), 
	CONSTRAINT xcom_task_instance_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE
);
INSERT INTO "xcom" VALUES(1,'numbers',-1,'return_value','nightly','scheduled__2024-01-01T00:00:00+00:00',X'5B312C20322C20335D','2026-11-21 13:28:01.619566');
INSERT INTO "xcom" VALUES(1,'flaky',-1,'return_value','nightly','scheduled__2024-01-01T00:00:00+00:00',X'7B22726F7773223A20332C20226174223A207B225F5F636C6173736E616D655F5F223A20226461746574696D652E6461746574696D65222C20225F5F76657273696F6E5F5F223A20322C20225F5F646174615F5F223A207B2274696D657374616D70223A20313730343036373230302E302C2022747A223A207B225F5F636C6173736E616D655F5F223A20226275696C74696E732E7475706C65222C20225F5F76657273696F6E5F5F223A20312C20225F5F646174615F5F223A205B22555443222C202270656E64756C756D2E747A2E74696D657A6F6E652E466978656454696D657A6F6E65222C20312C20747275655D7D7D7D7D','2026-11-21 13:28:24.164429');
INSERT INTO "xcom" VALUES(2,'numbers',-1,'return_value','nightly','scheduled__2024-01-02T00:00:00+00:00',X'5B312C20322C20335D','2026-11-21 13:29:05.631118');
INSERT INTO "xcom" VALUES(1,'double',0,'return_value','nightly','scheduled__2024-01-01T00:00:00+00:00',X'32','2026-11-21 13:29:20.278546');
INSERT INTO "xcom" VALUES(2,'flaky',-1,'return_value','nightly','scheduled__2024-01-02T00:00:00+00:00',X'7B22726F7773223A20332C20226174223A207B225F5F636C6173736E616D655F5F223A20226461746574696D652E6461746574696D65222C20225F5F76657273696F6E5F5F223A20322C20225F5F646174615F5F223A207B2274696D657374616D70223A20313730343036373230302E302C2022747A223A207B225F5F636C6173736E616D655F5F223A20226275696C74696E732E7475706C65222C20225F5F76657273696F6E5F5F223A20312C20225F5F646174615F5F223A205B22555443222C202270656E64756C756D2E747A2E74696D657A6F6E652E466978656454696D657A6F6E65222C20312C20747275655D7D7D7D7D','2026-11-21 13:29:36.459365');
INSERT INTO "xcom" VALUES(1,'say',-1,'return_value','nightly','scheduled__2024-01-01T00:00:00+00:00',X'22323032342D30312D3031205A5C75303066637269636822','2026-11-21 13:30:02.840252');
INSERT INTO "xcom" VALUES(1,'double',1,'return_value','nightly','scheduled__2024-01-01T00:00:00+00:00',X'34','2026-11-21 13:30:21.540141');
INSERT INTO "xcom" VALUES(1,'double',2,'return_value','nightly','scheduled__2024-01-01T00:00:00+00:00',X'4E614E','2026-11-21 13:30:57.865540');
INSERT INTO "xcom" VALUES(2,'say',-1,'return_value','nightly','scheduled__2024-01-02T00:00:00+00:00',X'22323032342D30312D3032205A5C75303066637269636822','2026-11-21 13:31:13.922132');
INSERT INTO "xcom" VALUES(2,'double',0,'return_value','nightly','scheduled__2024-01-02T00:00:00+00:00',X'32','2026-11-21 13:31:33.433792');
INSERT INTO "xcom" VALUES(2,'double',1,'return_value','nightly','scheduled__2024-01-02T00:00:00+00:00',X'34','2026-11-21 13:32:06.468900');
INSERT INTO "xcom" VALUES(2,'double',2,'return_value','nightly','scheduled__2024-01-02T00:00:00+00:00',X'4E614E','2026-11-21 13:32:27.478992');
INSERT INTO "xcom" VALUES(3,'write',-1,'pipeline_outlets','produce','first',X'5B7B225F5F636C6173736E616D655F5F223A2022616972666C6F772E64617461736574732E44617461736574222C20225F5F76657273696F6E5F5F223A20312C20225F5F646174615F5F223A207B22757269223A202273333A2F2F77617265686F7573652F6F7264657273222C20226578747261223A207B227465616D223A202273616C6573227D7D7D5D','2026-11-21 13:32:45.190218');
INSERT INTO "xcom" VALUES(5,'numbers',-1,'return_value','nightly','scheduled__2024-01-03T00:00:00+00:00',X'5B312C20322C20335D','2026-11-21 13:33:20.151626');
INSERT INTO "xcom" VALUES(5,'flaky',-1,'return_value','nightly','scheduled__2024-01-03T00:00:00+00:00',X'7B22726F7773223A20332C20226174223A207B225F5F636C6173736E616D655F5F223A20226461746574696D652E6461746574696D65222C20225F5F76657273696F6E5F5F223A20322C20225F5F646174615F5F223A207B2274696D657374616D70223A20313730343036373230302E302C2022747A223A207B225F5F636C6173736E616D655F5F223A20226275696C74696E732E7475706C65222C20225F5F76657273696F6E5F5F223A20312C20225F5F646174615F5F223A205B22555443222C202270656E64756C756D2E747A2E74696D657A6F6E652E466978656454696D657A6F6E65222C20312C20747275655D7D7D7D7D','2026-11-21 13:34:20.457928');
INSERT INTO "xcom" VALUES(7,'numbers',-1,'return_value','nightly','scheduled__2024-01-04T00:00:00+00:00',X'5B312C20322C20335D','2026-11-21 13:34:54.049719');
INSERT INTO "xcom" VALUES(5,'double',0,'return_value','nightly','scheduled__2024-01-03T00:00:00+00:00',X'32','2026-11-21 13:35:05.341345');
INSERT INTO "xcom" VALUES(7,'flaky',-1,'return_value','nightly','scheduled__2024-01-04T00:00:00+00:00',X'7B22726F7773223A20332C20226174223A207B225F5F636C6173736E616D655F5F223A20226461746574696D652E6461746574696D65222C20225F5F76657273696F6E5F5F223A20322C20225F5F646174615F5F223A207B2274696D657374616D70223A20313730343036373230302E302C2022747A223A207B225F5F636C6173736E616D655F5F223A20226275696C74696E732E7475706C65222C20225F5F76657273696F6E5F5F223A20312C20225F5F646174615F5F223A205B22555443222C202270656E64756C756D2E747A2E74696D657A6F6E652E466978656454696D657A6F6E65222C20312C20747275655D7D7D7D7D','2026-11-21 13:35:27.856161');
INSERT INTO "xcom" VALUES(5,'say',-1,'return_value','nightly','scheduled__2024-01-03T00:00:00+00:00',X'22323032342D30312D3033205A5C75303066637269636822','2026-11-21 13:35:52.938337');
INSERT INTO "xcom" VALUES(5,'double',1,'return_value','nightly','scheduled__2024-01-03T00:00:00+00:00',X'34','2026-11-21 13:36:11.215587');
INSERT INTO "xcom" VALUES(5,'double',2,'return_value','nightly','scheduled__2024-01-03T00:00:00+00:00',X'4E614E','2026-11-21 13:36:23.837496');
INSERT INTO "xcom" VALUES(7,'say',-1,'return_value','nightly','scheduled__2024-01-04T00:00:00+00:00',X'22323032342D30312D3034205A5C75303066637269636822','2026-11-21 13:36:51.296177');
INSERT INTO "xcom" VALUES(7,'double',0,'return_value','nightly','scheduled__2024-01-04T00:00:00+00:00',X'32','2026-11-21 13:37:07.396947');
INSERT INTO "xcom" VALUES(7,'double',1,'return_value','nightly','scheduled__2024-01-04T00:00:00+00:00',X'34','2026-11-21 13:37:22.387560');
INSERT INTO "xcom" VALUES(7,'double',2,'return_value','nightly','scheduled__2024-01-04T00:00:00+00:00',X'4E614E','2026-11-21 13:37:39.718281');
CREATE UNIQUE INDEX idx_name_unique ON dataset_alias (name);
CREATE UNIQUE INDEX idx_uri_unique ON dataset (uri);
CREATE INDEX idx_dataset_id_timestamp ON dataset_event (dataset_id, timestamp);
CREATE INDEX idx_log_event ON log (event);
CREATE INDEX idx_log_dttm ON log (dttm);
CREATE INDEX idx_log_task_instance ON log (dag_id, task_id, run_id, map_index, try_number);
CREATE INDEX idx_log_dag ON log (dag_id);
CREATE INDEX idx_next_dagrun_create_after ON dag (next_dagrun_create_after);
CREATE INDEX idx_root_dag_id ON dag (root_dag_id);
CREATE INDEX idx_dataset_alias_dataset_alias_dataset_id ON dataset_alias_dataset (dataset_id);
CREATE INDEX idx_dataset_alias_dataset_alias_id ON dataset_alias_dataset (alias_id);
CREATE INDEX idx_dataset_alias_dataset_event_event_id ON dataset_alias_dataset_event (event_id);
CREATE INDEX idx_dataset_alias_dataset_event_alias_id ON dataset_alias_dataset_event (alias_id);
CREATE INDEX idx_dag_schedule_dataset_alias_reference_dag_id ON dag_schedule_dataset_alias_reference (dag_id);
CREATE INDEX idx_dag_schedule_dataset_reference_dag_id ON dag_schedule_dataset_reference (dag_id);
CREATE INDEX idx_task_outlet_dataset_reference_dag_id ON task_outlet_dataset_reference (dag_id);
CREATE INDEX idx_dataset_dag_run_queue_target_dag_id ON dataset_dag_run_queue (target_dag_id);
CREATE INDEX idx_dag_run_queued_dags ON dag_run (state, dag_id) WHERE state='queued';
CREATE INDEX idx_dag_run_dag_id ON dag_run (dag_id);
CREATE INDEX idx_dag_run_running_dags ON dag_run (state, dag_id) WHERE state='running';
CREATE INDEX dag_id_state ON dag_run (dag_id, state);
CREATE INDEX idx_dag_tag_dag_id ON dag_tag (dag_id);
CREATE INDEX idx_dagrun_dataset_events_dag_run_id ON dagrun_dataset_event (dag_run_id);
CREATE INDEX idx_dagrun_dataset_events_event_id ON dagrun_dataset_event (event_id);
CREATE INDEX ti_job_id ON task_instance (job_id);
CREATE INDEX ti_dag_state ON task_instance (dag_id, state);
CREATE INDEX ti_state ON task_instance (state);
CREATE INDEX ti_pool ON task_instance (pool, state, priority_weight);
CREATE INDEX ti_trigger_id ON task_instance (trigger_id);
CREATE INDEX ti_dag_run ON task_instance (dag_id, run_id);
CREATE INDEX ti_state_lkp ON task_instance (dag_id, task_id, run_id, state);
CREATE INDEX idx_task_fail_task_instance ON task_fail (dag_id, task_id, run_id, map_index);
CREATE INDEX idx_task_reschedule_dag_task_run ON task_reschedule (dag_id, task_id, run_id, map_index);
CREATE INDEX idx_task_reschedule_dag_run ON task_reschedule (dag_id, run_id);
CREATE INDEX idx_xcom_key ON xcom ("key");
CREATE INDEX idx_xcom_task_instance ON xcom (dag_id, task_id, run_id, map_index);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('dataset',1);
INSERT INTO "sqlite_sequence" VALUES('dataset_event',1);
COMMIT;
