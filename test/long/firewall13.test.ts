import { describeFirewall } from "../host/firewallOnHost.ts";

describeFirewall("trixie", "Debian 13");
