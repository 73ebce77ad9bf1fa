import { LONG, openHere, testRights } from "./rightsAsked";

testRights(openHere(), (verb) => LONG.includes(verb));
